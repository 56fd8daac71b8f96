import { readFile } from 'node:fs/promises'
import type { ChannelCredentials } from '@grpc/grpc-js'
import type { KeyManagementServiceClient } from '@google-cloud/kms'
import { KekFault } from '#kms/kek-fault.ts'
import { RenewedToken, type TokenSource } from './access-token.ts'
import { fetchFederatedToken } from './federated-token.ts'
import { parseIdentityProviderName } from './identity-provider-name.ts'
import type { GcpKeyName } from './key-name.ts'
import { OwnIdentity } from './own-identity.ts'

/** How this deployment reaches Google. Everything has the default that production wants; no customer sets any of it. */
export type GcpDeployment = Readonly<{
  /** A service account's JSON key; without it Application Default Credentials. */
  credentialsFile?: string | undefined
  /** `host:port` in place of Google's KMS (an emulator, a private endpoint): gRPC over TLS. */
  kmsEndpoint?: string | undefined
  /** URL in place of Google's token services. */
  authEndpoint?: string | undefined
  /** A file of the PEM certificates that the KMS's may be signed by, in place of the system's. */
  caFile?: string | undefined
  /** The domain of all of Google's hosts; sovereign clouds have their own. */
  universeDomain?: string | undefined
  /** Ask the key's own region (`<location>-cloudkms.…`) in place of the global endpoint. */
  isRegional?: boolean | undefined
  callTimeoutMs?: number | undefined
  /** Wall clock, for tokens. */
  now?: () => number
  random?: () => number
}>

/** The customer's trust in Hasp: a provider of theirs, and the audience that Hasp made for it. */
export type GcpFederation = Readonly<{ identityProvider: string; audience: string }>

const DEFAULT_UNIVERSE = 'googleapis.com'
/** A connection that nobody answers on is given up after this, rather than when TCP notices. */
const KEEPALIVE_MS = 20_000
const KEEPALIVE_TIMEOUT_MS = 5_000

/**
 * The connections to Google, shared by all KEKs of a process: one gRPC channel for each host. The SDK is loaded when
 * the first KEK needs it, since it costs a start some 300 ms and 40 MB.
 */
export class GcpClients implements AsyncDisposable {
  readonly callTimeoutMs: number
  readonly ownToken: TokenSource
  readonly #deployment: GcpDeployment
  readonly #universeDomain: string
  readonly #now: () => number
  readonly #random: () => number
  readonly #identity: OwnIdentity
  readonly #channels = new Map<string, Promise<KeyManagementServiceClient>>()

  constructor(deployment: GcpDeployment = {}) {
    const { authEndpoint, credentialsFile } = deployment
    this.#deployment = deployment
    this.callTimeoutMs = deployment.callTimeoutMs ?? 2_000
    this.#universeDomain = deployment.universeDomain ?? DEFAULT_UNIVERSE
    this.#now = deployment.now ?? Date.now
    this.#random = deployment.random ?? Math.random
    this.#identity = new OwnIdentity({
      credentialsFile,
      authEndpoint,
      universeDomain: this.#universeDomain,
      timeoutMs: this.callTimeoutMs,
      now: this.#now,
    })
    this.ownToken = new RenewedToken({
      fetchToken: () => this.#identity.fetchAccessToken(),
      now: this.#now,
      random: this.#random,
    })
  }

  /** Hasp's identity in a customer's pool. @throws {KekFault} `misconfigured` for a name that is no provider's */
  federatedToken({ identityProvider, audience }: GcpFederation): TokenSource {
    const provider = parseIdentityProviderName(identityProvider)
    const deps = {
      fetchIdToken: (idTokenAudience: string) => this.#identity.fetchIdToken(idTokenAudience),
      exchangeUrl: `${this.#deployment.authEndpoint ?? `https://sts.${this.#universeDomain}`}/v1/token`,
      timeoutMs: this.callTimeoutMs,
      now: this.#now,
    }
    return new RenewedToken({
      fetchToken: () => fetchFederatedToken(deps, { provider, audience }),
      now: this.#now,
      random: this.#random,
    })
  }

  /** The only hosts that our tokens go to: made of the checked location and the operator's settings. */
  kmsHost({ location }: Pick<GcpKeyName, 'location'>): string {
    const { isRegional, kmsEndpoint } = this.#deployment
    const prefix = isRegional === true && location !== 'global' ? `${location}-` : ''
    return kmsEndpoint ?? `${prefix}cloudkms.${this.#universeDomain}`
  }

  /** Where projects say who may do what with them: the linter asks. */
  resourceManagerUrl(): string {
    return this.#deployment.authEndpoint ?? `https://cloudresourcemanager.${this.#universeDomain}`
  }

  /** The channel to a key's KMS. Carries no token: each call brings its own. */
  channelTo(keyName: GcpKeyName): Promise<KeyManagementServiceClient> {
    const host = this.kmsHost(keyName)
    const known = this.#channels.get(host)
    if (known !== undefined) return known
    const channel = this.#openChannel(host)
    this.#channels.set(host, channel)
    channel.catch(() => this.#channels.delete(host))
    return channel
  }

  /** Loads the SDK before anybody waits for it: for a deployment that is known to need it. */
  async preload(): Promise<void> {
    await loadSdk()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const channels = await Promise.allSettled(this.#channels.values())
    this.#channels.clear()
    for (const channel of channels) if (channel.status === 'fulfilled') await channel.value.close()
  }

  async #openChannel(host: string): Promise<KeyManagementServiceClient> {
    const [{ KeyManagementServiceClient }, { credentials }, { GoogleAuth, PassThroughClient }] =
      await loadSdk()
    const { caFile } = this.#deployment
    const tls: ChannelCredentials = credentials.createSsl(
      caFile === undefined ? null : await readAuthorities(caFile),
    )
    const { hostname, port } = splitHost(host)
    const universeDomain = this.#universeDomain
    const channel = new KeyManagementServiceClient({
      servicePath: hostname,
      port,
      universeDomain,
      sslCreds: tls,
      // An identity of its own would look for one on the machine, and log in twice.
      auth: new GoogleAuth({ authClient: new PassThroughClient({ universeDomain }), universeDomain }),
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      // The SDK waits a second and then longer before it connects again: longer than a call of ours may take.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
      'grpc.max_receive_message_length': 64 * 1024,
    })
    await channel.initialize()
    return channel
  }
}

function loadSdk() {
  return Promise.all([import('@google-cloud/kms'), import('@grpc/grpc-js'), import('google-auth-library')])
}

async function readAuthorities(caFile: string): Promise<Buffer> {
  try {
    return await readFile(caFile)
  } catch {
    throw new KekFault(
      'ours',
      'ca-unreadable',
      'The certificate authorities for Google KMS cannot be read: whoever runs Hasp must check HASP_GCP_CA_FILE.',
    )
  }
}

function splitHost(host: string): { hostname: string; port: number } {
  const colon = host.lastIndexOf(':')
  const port = Number(host.slice(colon + 1))
  return colon > 0 && Number.isInteger(port)
    ? { hostname: host.slice(0, colon), port }
    : { hostname: host, port: 443 }
}
