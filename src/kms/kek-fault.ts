/**
 * One taxonomy of failure for every cloud:
 * - `revoked`: the customer took the right away (disabled, deleted, denied). Terminal; purge and refuse.
 * - `unreachable`: nobody could say. Retry later; state is unchanged.
 * - `throttled`: the KMS asks us to slow down. Retry later; state is unchanged.
 * - `misconfigured`: it answers, and what it says is that the set-up is wrong (region, key type, firewall).
 * - `tampered`: the ciphertext or its context is not what was wrapped. Alarm; never retry.
 * - `ours`: our own credentials or clock are at fault. Never tell a customer that they revoked.
 */
export type KekFaultKind = 'revoked' | 'unreachable' | 'throttled' | 'misconfigured' | 'tampered' | 'ours'

/**
 * The only error a {@link KekProvider} fails with. `message` is safe to show to the KEK's owner: it names the
 * fault and what to do, never account ids, ARNs, request headers or the SDK's own text.
 */
export class KekFault extends Error {
  override readonly name = 'KekFault'
  readonly kind: KekFaultKind
  /** The cloud's own name for the error (`DisabledException`, `timeout`, …), for logs and evidence. */
  readonly code: string
  /** Request id by which the customer finds the refusal in their own log, where the cloud gave one. */
  readonly kmsRequestId: string | undefined
  /** The service's own id of the call, where `kmsRequestId` is one that we gave it and the service answered. */
  readonly serviceRequestId: string | undefined
  /** How long the KMS asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /**
   * Of a `revoked`: whether the answer may have another reason than a revocation (one record denied, a change that has
   * not reached every server yet). The request is refused all the same; the KEK's state needs a second reading.
   */
  readonly isAmbiguous: boolean

  constructor(
    kind: KekFaultKind,
    code: string,
    message: string,
    options: {
      kmsRequestId?: string | undefined
      serviceRequestId?: string | undefined
      retryAfterMs?: number | undefined
      isAmbiguous?: boolean | undefined
    } = {},
  ) {
    super(message)
    this.kind = kind
    this.code = code
    this.kmsRequestId = options.kmsRequestId
    this.serviceRequestId = options.serviceRequestId
    this.retryAfterMs = options.retryAfterMs
    this.isAmbiguous = kind === 'revoked' && options.isAmbiguous === true
  }

  /** Whether another try may succeed without anybody changing anything. */
  get isTransient(): boolean {
    return this.kind === 'unreachable' || this.kind === 'throttled'
  }
}
