import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { AzureKeyId } from './key-id.ts'
import type { VaultToken } from './token-session.ts'

export type VaultCall = Readonly<{
  keyId: AzureKeyId
  token: VaultToken
  /** Ours, a GUID: `x-ms-client-request-id`, which the customer's log has as `correlationId`. */
  clientRequestId: string
  signal: AbortSignal | undefined
}>

/** What every answer carries: the identifier it gives for the key, and Azure's own id of the request. */
export type VaultReply = Readonly<{ keyId: string; serviceRequestId: string | undefined }>

export type WrapReply = VaultReply & Readonly<{ wrapped: Buffer }>
/** The receiver owns `secret` and disposes of it. */
export type UnwrapReply = VaultReply & Readonly<{ secret: SecretBytes }>
export type GetKeyReply = VaultReply &
  Readonly<{
    keyType: string
    permittedOperations: readonly string[]
    isEnabled: boolean
    notBeforeMs: number | undefined
    expiresAtMs: number | undefined
  }>

/**
 * One way to talk to a vault or HSM. Each method is exactly one operation on the service: nothing is done locally,
 * where the customer's log would not see it, and no key is read ahead.
 *
 * Answers are unchecked but for their form.
 * @throws {VaultRefusal} when Azure answers with an error; {KekFault} `unreachable` when it gives no readable answer.
 */
export interface VaultTransport {
  wrapKey(call: VaultCall, secret: SecretBytes): Promise<WrapReply>
  unwrapKey(call: VaultCall, wrapped: Buffer): Promise<UnwrapReply>
  getKey(call: VaultCall): Promise<GetKeyReply>
}
