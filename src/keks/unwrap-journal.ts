import type { UnwrapCompletion, UnwrapIntent, UnwrapRefusal } from '#ledger/unwrap-intent.ts'

/** Keeps the rule "no unwrap without a durable record, even across kill -9". */
export interface UnwrapJournal {
  /**
   * Commits the intent. `stale` means that something of the organisation changed since its epoch: nothing was
   * written and the KMS must not be asked.
   * @throws {LedgerError} when it could not be made durable; then the KMS must not be asked either.
   */
  intend(intent: UnwrapIntent): Promise<'committed' | 'stale'>
  /**
   * Notes by which request id the KMS unwrapped what no receipt will name. Does not wait: what is lost in a crash was
   * announced by its intent.
   */
  completed(intent: UnwrapIntent, completion: UnwrapCompletion): void
  /** Notes that the KMS refused or did not answer, and its request id where it gave one. Does not wait. */
  refused(intent: UnwrapIntent, refusal: UnwrapRefusal): void
}
