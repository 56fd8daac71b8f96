import { randomUUID } from 'node:crypto'
import type { KeyManagementServiceClient } from '@google-cloud/kms'
import { KekFault } from '#kms/kek-fault.ts'
import type { TokenSource } from './access-token.ts'
import type { GcpClients } from './gcp-clients.ts'
import type { GcpKek } from './gcp-kek-provider.ts'
import { type GcpStatus, refusalOf } from './gcp-refusal.ts'
import { type GcpKeyName, parseGcpKeyName } from './key-name.ts'

/** What Google answered one call of the linter, and the reason by which its log has the call. */
export type LintAnswer =
  | Readonly<{ reply: Readonly<Record<string, unknown>>; kmsRequestId: string }>
  | Readonly<{ refusal: GcpStatus | 'connection-failed'; kmsRequestId: string }>

type InnerCall = (request: object, options: object) => Promise<readonly unknown[]>

/** The reads of the linter. Each carries a fresh reason, which the customer's audit log shows. */
export class GcpLintCalls {
  readonly keyName: GcpKeyName
  readonly #clients: GcpClients
  readonly #tokens: TokenSource

  constructor(kek: GcpKek, clients: GcpClients) {
    this.keyName = parseGcpKeyName(kek.keyName)
    this.#clients = clients
    // One of its own: what a pool lets in now counts, not what it let in when the KEK was last used.
    this.#tokens = kek.federation === null ? clients.ownToken : clients.federatedToken(kek.federation)
  }

  /** @throws {KekFault} where Hasp is not let in at all. */
  async requireToken(): Promise<void> {
    await this.#tokens.current()
  }

  /** Which of `permissions` Hasp has on a key or key ring. @throws {KekFault} */
  testPermissions(resource: string, permissions: readonly string[]): Promise<LintAnswer> {
    return this.#testPermissions(resource, permissions, this.#tokens)
  }

  /**
   * The same of the key as Hasp's own service account, which no pool lets in: what it may do, the policy allows it
   * beside the pool. @throws {KekFault}
   */
  testOwnPermissions(permissions: readonly string[]): Promise<LintAnswer> {
    return this.#testPermissions(this.keyName.name, permissions, this.#clients.ownToken)
  }

  /** The IAM policy of the key; for whoever may read it. @throws {KekFault} */
  readPolicy(): Promise<LintAnswer> {
    const resource = this.keyName.name
    return this.#call(
      (channel) => channel.iamClient.innerApiCalls['getIamPolicy'] as InnerCall,
      { resource },
      `resource=${encodeURIComponent(resource)}`,
    )
  }

  /** The key's metadata, for its labels. @throws {KekFault} */
  readKey(): Promise<LintAnswer> {
    const { name } = this.keyName
    return this.#call(
      (channel) => channel.innerApiCalls['getCryptoKey'] as InnerCall,
      { name },
      `name=${encodeURIComponent(name)}`,
    )
  }

  /** Projects answer elsewhere, over REST (Resource Manager). @throws {KekFault} where Hasp is not let in at all. */
  async testProjectPermissions(permissions: readonly string[]): Promise<LintAnswer> {
    const kmsRequestId = randomUUID()
    const { token } = await this.#tokens.current()
    try {
      const reply = await fetch(
        `${this.#clients.resourceManagerUrl()}/v3/projects/${encodeURIComponent(this.keyName.project)}:testIamPermissions`,
        {
          method: 'POST',
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'x-goog-request-reason': kmsRequestId,
          },
          body: JSON.stringify({ permissions }),
          redirect: 'error',
          signal: AbortSignal.timeout(this.#clients.callTimeoutMs),
        },
      )
      const body: unknown = await reply.json()
      if (reply.ok && typeof body === 'object' && body !== null) return { reply: { ...body }, kmsRequestId }
      return { refusal: reply.status === 403 ? 'PERMISSION_DENIED' : 'UNKNOWN', kmsRequestId }
    } catch {
      return { refusal: 'connection-failed', kmsRequestId }
    }
  }

  #testPermissions(
    resource: string,
    permissions: readonly string[],
    tokens: TokenSource,
  ): Promise<LintAnswer> {
    return this.#call(
      (channel) => channel.iamClient.innerApiCalls['testIamPermissions'] as InnerCall,
      { resource, permissions },
      `resource=${encodeURIComponent(resource)}`,
      tokens,
    )
  }

  async #call(
    pick: (channel: KeyManagementServiceClient) => InnerCall,
    request: object,
    routing: string,
    tokens = this.#tokens,
  ): Promise<LintAnswer> {
    const kmsRequestId = randomUUID()
    const { token } = await tokens.current()
    const channel = await this.#clients.channelTo(this.keyName)
    await channel.iamClient.initialize()
    try {
      const [reply] = await pick(channel)(request, {
        timeout: this.#clients.callTimeoutMs,
        retry: null,
        otherArgs: {
          headers: {
            authorization: `Bearer ${token}`,
            'x-goog-request-params': routing,
            'x-goog-request-reason': kmsRequestId,
          },
        },
      })
      return { reply: { ...(reply as object) }, kmsRequestId }
    } catch (error) {
      if (error instanceof KekFault) throw error
      return { refusal: refusalOf(error)?.status ?? 'connection-failed', kmsRequestId }
    }
  }
}
