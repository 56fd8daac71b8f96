export type LedgerErrorCode =
  /** An entry was appended for an organisation that does not exist. */
  | 'organisation_not_found'
  /** The admin token that asked for a change may not be used any more; the change is undone. */
  | 'actor_gone'
  /** More receipts wait than the queue takes: the database is too slow for the load. */
  | 'receipt_queue_full'
  /** It is not known whether the receipt is in the database; the credential must not leave. */
  | 'receipt_not_committed'
  /** The committer is shutting down. */
  | 'receipts_closed'

/** Why something could not be written into the ledger. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError'
  readonly code: LedgerErrorCode

  constructor(code: LedgerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
