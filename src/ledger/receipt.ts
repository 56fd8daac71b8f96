/**
 * Our record of one proxied call, committed before the credential leaves the process. Ids and names only: no
 * prompt, no secret.
 */
export type Receipt = Readonly<{
  receiptId: string
  orgId: string
  /** The organisation's epoch that the call was decided under; under any other the receipt is refused. */
  epoch: string
  occurredAt: Date
  virtualKeyId: string
  targetId: string
  kekId: string
  credentialGeneration: number
  provider: string
  operation: string
  model: string | null
  unwrap: ReceiptUnwrap
}>

/** By which use of the customer's KEK the credential was opened. */
type ReceiptUnwrap = Readonly<{
  unwrapId: string
  mode: 'strict' | 'shared' | 'cached'
  /** Whether another receipt named this unwrap before. */
  isReused: boolean
  kmsRequestId: string
  /** The cloud's own id of the call, where `kmsRequestId` is one that we gave it; else absent. */
  serviceRequestId?: string | undefined
  materialId: string
  /** ISO 8601. */
  unwrappedAt: string
}>

/** How the call of a receipt ended. */
export type ReceiptOutcome = Readonly<{
  receiptId: string
  orgId: string
  virtualKeyId: string
  targetId: string
  kekId: string
  end: 'completed' | 'client-aborted' | 'upstream-failed' | 'cut-on-revocation' | 'refused'
  /** HTTP status of the upstream, where it answered. */
  status: number | null
  requestBytes: number
  responseBytes: number
  durationMs: number
  upstreamRequestId: string | null
}>
