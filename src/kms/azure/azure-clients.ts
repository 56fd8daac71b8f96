import { LRUCache } from 'lru-cache'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { BytesVault } from './bytes-vault.ts'
import { type AzureCloud, azureClouds } from './clouds.ts'
import type { AzureKeyId } from './key-id.ts'
import { type HostNames, SystemHostNames, unknownHostNames } from './host-names.ts'
import type { OwnApplication } from './own-application.ts'
import { requestToken } from './request-token.ts'
import { SdkVault } from './sdk-vault.ts'
import { TokenSession } from './token-session.ts'
import type { VaultTransport } from './vault-transport.ts'

/** What differs between deployments and tests. Nothing has the default that production wants but `application`. */
export type AzureDeployment = Readonly<{
  cloud?: AzureCloud
  /** The multi-tenant application that customers grant. Without it every call is refused as ours. */
  application?: OwnApplication | undefined
  /** Hasp's own tenant: asked for a token when a customer's says that it does not know our application. */
  homeTenantId?: string | undefined
  /** In place of the cloud's own; `https://`, without a path. */
  authorityHost?: string | undefined
  /**
   * Where to connect for a host, in place of what DNS says: an emulator, a private endpoint. The host is named
   * (SNI, `Host`) and its certificate checked as ever.
   * @throws {Error} with code `ENOTFOUND`, as DNS would
   */
  connectTo?: ((host: string) => Readonly<{ host: string; port: number }>) | undefined
  /** Certificate authorities, in place of the system's. PEM. */
  ca?: string | undefined
  hostNames?: HostNames
  /** `bytes` never makes a string of a DEK; `sdk` is the stock SDK client, kept as the measure of the other. */
  transport?: 'bytes' | 'sdk'
  connectTimeoutMs?: number
  callTimeoutMs?: number
  /** A token is renewed when it is this old, however long it would be good for. */
  tokenAgeMsMax?: number
  /** Wall clock, for tokens. */
  now?: () => number
  random?: () => number
}>

/** An unwrap now and then should not pay for a TLS handshake each time. */
const KEEP_ALIVE_MS = 20_000
const SESSIONS_MAX = 10_000

/**
 * The connections to Azure, shared by all KEKs of a process. Nothing here limits how many: each KEK's share is
 * limited by its guard, so that no KEK can take the connections that another needs.
 */
export class AzureClients implements AsyncDisposable {
  readonly cloud: AzureCloud
  readonly authorityHost: string
  readonly application: OwnApplication | undefined
  readonly hostNames: HostNames
  readonly callTimeoutMs: number
  readonly transport: VaultTransport
  readonly #homeTenantId: string | undefined
  readonly #deployment: AzureDeployment
  readonly #agent: Agent
  readonly #sessions = new LRUCache<string, TokenSession>({ max: SESSIONS_MAX })

  constructor(deployment: AzureDeployment = {}) {
    this.#deployment = deployment
    this.cloud = deployment.cloud ?? 'public'
    this.authorityHost = deployment.authorityHost ?? azureClouds[this.cloud].authorityHost
    this.application = deployment.application
    this.#homeTenantId = deployment.homeTenantId
    this.hostNames =
      deployment.hostNames ?? (deployment.connectTo === undefined ? new SystemHostNames() : unknownHostNames)
    this.callTimeoutMs = deployment.callTimeoutMs ?? 2_000
    this.#agent = agentOf(deployment)
    const limits = { timeoutMs: this.callTimeoutMs }
    this.transport =
      deployment.transport === 'sdk' ? new SdkVault(this.#agent, limits) : new BytesVault(this.#agent, limits)
  }

  get dispatcher(): Dispatcher {
    return this.#agent
  }

  /** The token of one tenant for one kind of store: its KEKs share it, no other tenant's do. */
  sessionFor(keyId: AzureKeyId, tenantId: string): TokenSession {
    const name = `${tenantId} ${keyId.resource}`
    const known = this.#sessions.get(name)
    if (known !== undefined) return known
    const { now = Date.now, random = Math.random, tokenAgeMsMax = 900_000 } = this.#deployment
    const session = new TokenSession({
      requestToken: () => this.#requestToken(keyId, tenantId),
      tokenAgeMsMax,
      now,
      random,
    })
    this.#sessions.set(name, session)
    return session
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }

  #requestToken(keyId: AzureKeyId, tenantId: string) {
    return requestToken(
      {
        application: this.application,
        authorityHost: this.authorityHost,
        dispatcher: this.#agent,
        timeoutMs: this.callTimeoutMs,
      },
      { tenantId, scope: `${keyId.resource}/.default`, homeTenantId: this.#homeTenantId },
    )
  }
}

function agentOf({ ca, connectTo, connectTimeoutMs = 1_000 }: AzureDeployment): Agent {
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    allowH2: false,
    ...(ca === undefined ? {} : { ca }),
  })
  // HTTP/1.1 only: vaults speak it, and its replies reach us as socket bytes that we can wipe.
  const common = { allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS }
  if (connectTo === undefined) return new Agent({ ...common, connect })
  return new Agent({
    ...common,
    connect(options, callback) {
      try {
        const { host, port } = connectTo(options.hostname)
        connect(
          { ...options, servername: options.hostname, hostname: host, host, port: String(port) },
          callback,
        )
      } catch (error) {
        callback(error instanceof Error ? error : new Error('The host could not be mapped.'), null)
      }
    },
  })
}
