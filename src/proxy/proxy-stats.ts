import type { ReceiptOutcome } from '#ledger/receipt.ts'
import type { RefusalCode } from './refusal-rules.ts'

/** Plain counters, cheap enough for every request; telemetry/metrics.ts gives them names. */
export class ProxyStats {
  readonly refusals = new Map<RefusalCode, number>()
  readonly ends = new Map<ReceiptOutcome['end'], number>()
  /** Calls by whether the KMS was asked for them. */
  unwrapsFresh = 0
  unwrapsReused = 0
  /** Decisions that had to be made again because the organisation changed meanwhile. */
  staleDecisions = 0

  countRefusal(code: RefusalCode): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }

  countEnd(end: ReceiptOutcome['end']): void {
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1)
  }
}
