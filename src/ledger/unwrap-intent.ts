/**
 * What we are about to ask of a customer's KMS, committed before we ask: so that every unwrap in the customer's log
 * has a record of ours, even when this process dies before the answer.
 */
export type UnwrapIntent = Readonly<{
  unwrapId: string
  orgId: string
  /** Epoch under which the request was decided; null for what no request asked for (probe, verification). */
  epoch: string | null
  kekId: string
  /** Null for a canary. */
  targetId: string | null
  purpose: 'credential' | 'canary'
  generation: number
  mode: 'strict' | 'shared' | 'cached'
  /** Who asks, where it is neither a proxied request nor a probe: `lifecycle-job:<id>`. */
  actor?: string
}>

/** How the KMS answered an unwrap that has no receipt: that of a canary. */
export type UnwrapCompletion = Readonly<{
  kmsRequestId: string
  /** The cloud's own id of the call, where `kmsRequestId` is one that we gave it; else absent. */
  serviceRequestId?: string | undefined
  materialId: string
}>

/** Why the KMS did not unwrap. */
export type UnwrapRefusal = Readonly<{
  kind: string
  code: string
  kmsRequestId: string | undefined
  serviceRequestId?: string | undefined
}>
