import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { KMSClient } from '@aws-sdk/client-kms'
import { STSClient } from '@aws-sdk/client-sts'
import { Pool } from 'undici'
import type { AwsCredentials } from './aws-credentials.ts'
import { type AwsKeyArn, awsEndpoint } from './key-arn.ts'
import { defaultOwnCredentials, OwnCredentials, type OwnCredentialsProvider } from './own-credentials.ts'

/** How this deployment reaches AWS. Everything has the default that production wants. */
export type AwsDeployment = Readonly<{
  /** In place of AWS's KMS endpoint of a region: an emulator, a VPC endpoint. */
  kmsEndpoint?: (region: string) => string
  stsEndpoint?: (region: string) => string
  ownCredentials?: OwnCredentialsProvider
  /** Both ways of a DEK. `bytes` never makes a string of it; `sdk` is the stock SDK client, kept as the measure of the other. */
  dekTransport?: 'bytes' | 'sdk'
  connectTimeoutMs?: number
  callTimeoutMs?: number
  /** Wall clock, for role sessions and signatures. */
  now?: () => number
  random?: () => number
}>

/** An unwrap now and then should not pay for a TLS handshake each time. */
const KEEP_ALIVE_MS = 20_000

/**
 * The connections to AWS, shared by all KEKs of a process. No pool has a limit of its own: each KEK's share is
 * limited by its guard, so that no KEK can take the connections that another needs.
 */
export class AwsClients implements AsyncDisposable {
  readonly ownCredentials: OwnCredentials
  readonly dekTransport: 'bytes' | 'sdk'
  readonly callTimeoutMs: number
  readonly now: () => number
  readonly random: () => number
  readonly #deployment: AwsDeployment
  readonly #connectTimeoutMs: number
  readonly #httpAgent = new HttpAgent({ keepAlive: true })
  readonly #httpsAgent = new HttpsAgent({ keepAlive: true })
  readonly #pools = new Map<string, Pool>()
  readonly #stsClients = new WeakMap<AwsCredentials, Map<string, STSClient>>()
  readonly #kmsClients = new WeakMap<AwsCredentials, Map<string, KMSClient>>()

  constructor(deployment: AwsDeployment = {}) {
    this.#deployment = deployment
    this.ownCredentials = new OwnCredentials(deployment.ownCredentials ?? defaultOwnCredentials())
    this.dekTransport = deployment.dekTransport ?? 'bytes'
    this.#connectTimeoutMs = deployment.connectTimeoutMs ?? 1_000
    this.callTimeoutMs = deployment.callTimeoutMs ?? 2_000
    this.now = deployment.now ?? Date.now
    this.random = deployment.random ?? Math.random
  }

  kmsEndpoint(kmsKey: AwsKeyArn): string {
    return this.#deployment.kmsEndpoint?.(kmsKey.region) ?? awsEndpoint('kms', kmsKey)
  }

  /** The raw connections to the KMS endpoint of a key. */
  poolFor(kmsKey: AwsKeyArn): Pool {
    const { origin } = new URL(this.kmsEndpoint(kmsKey))
    // HTTP/1.1 only: KMS speaks it, and its replies reach us as socket bytes that we can wipe.
    const pool =
      this.#pools.get(origin) ??
      new Pool(origin, {
        allowH2: false,
        connectTimeout: this.#connectTimeoutMs,
        keepAliveTimeout: KEEP_ALIVE_MS,
      })
    this.#pools.set(origin, pool)
    return pool
  }

  /** The SDK's client for one session; a new session gets a new client, so that no stale one is remembered. */
  kmsClientFor(kmsKey: AwsKeyArn, credentials: AwsCredentials): KMSClient {
    return memoized(this.#kmsClients, credentials, kmsKey.region, () => {
      return new KMSClient({ ...this.#sdkOptions(kmsKey.region, this.kmsEndpoint(kmsKey)), credentials })
    })
  }

  /** STS in the key's own region. */
  stsClientFor(kmsKey: AwsKeyArn, credentials: AwsCredentials): STSClient {
    return memoized(this.#stsClients, credentials, kmsKey.region, () => {
      const endpoint = this.#deployment.stsEndpoint?.(kmsKey.region) ?? awsEndpoint('sts', kmsKey)
      return new STSClient({ ...this.#sdkOptions(kmsKey.region, endpoint), credentials })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#httpAgent.destroy()
    this.#httpsAgent.destroy()
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
  }

  /** Every choice is made here, so that no environment variable or shared file of the SDK's can change it. */
  #sdkOptions(region: string, endpoint: string) {
    return {
      region,
      endpoint,
      maxAttempts: 1,
      retryMode: 'standard',
      useFipsEndpoint: false,
      useDualstackEndpoint: false,
      userAgentAppId: 'hasp',
      requestHandler: {
        connectionTimeout: this.#connectTimeoutMs,
        requestTimeout: this.callTimeoutMs,
        throwOnRequestTimeout: true,
        httpAgent: this.#httpAgent,
        httpsAgent: this.#httpsAgent,
      },
    } as const
  }
}

function memoized<Client>(
  clients: WeakMap<AwsCredentials, Map<string, Client>>,
  credentials: AwsCredentials,
  region: string,
  make: () => Client,
): Client {
  const known = clients.get(credentials) ?? new Map<string, Client>()
  const client = known.get(region) ?? make()
  clients.set(credentials, known.set(region, client))
  return client
}
