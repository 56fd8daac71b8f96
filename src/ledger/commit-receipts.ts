import type { Database } from '#db/database.ts'
import {
  rowOfCompletedUnwrap,
  rowOfIntent,
  rowOfOutcome,
  rowOfReceipt,
  rowOfRefusedUnwrap,
  type BatchRow,
} from './batch-row.ts'
import { insertBatch } from './insert-batch.ts'
import { LedgerError } from './ledger-error.ts'
import type { Receipt, ReceiptOutcome } from './receipt.ts'
import { OutcomeQueue } from './outcome-queue.ts'
import type { UnwrapCompletion, UnwrapIntent, UnwrapRefusal } from './unwrap-intent.ts'

const batchRowsMax = 500

/**
 * A batch of at least this many rows says that more are on their way: the next one then waits for their company, as
 * PostgreSQL's own `commit_siblings` and `commit_delay` have it. It costs a busy service a millisecond of latency and
 * saves it a tenth of its CPU time (docs/performance.md).
 */
const siblingsMin = 4
const companyWaitMs = 1

export type ReceiptCommitterOptions = Readonly<{
  pool: Database['pool']
  /** How many receipts may wait before further ones are refused. */
  queueMax?: number
  /** How long a batch may take before all in it are refused. */
  batchTimeoutMs?: number
  /** Told of outcomes that could not be written, and are lost. */
  onOutcomesLost?: (count: number, error: unknown) => void
  now?: () => Date
}>

type Waiting = Readonly<{
  row: BatchRow
  resolve: (result: 'committed' | 'stale') => void
  reject: (error: LedgerError) => void
}>

/**
 * Group commit: receipts that arrive while a batch is on its way to the disk go together in the next one, so
 * that a thousand calls a second need some tens of commits. Alone, a receipt waits for nobody.
 */
export class ReceiptCommitter implements AsyncDisposable {
  readonly #pool: Database['pool']
  readonly #queueMax: number
  readonly #batchTimeoutMs: number
  readonly #outcomes: OutcomeQueue
  readonly #now: () => Date
  #queue: Waiting[] = []
  /** One batch at a time: the fewer batches, the less each receipt costs. */
  #inFlight: Promise<void> | undefined
  #lastBatchRows = 0
  #isScheduled = false
  #isClosed = false

  constructor(options: ReceiptCommitterOptions) {
    this.#pool = options.pool
    this.#queueMax = options.queueMax ?? 10_000
    this.#batchTimeoutMs = options.batchTimeoutMs ?? 5_000
    this.#now = options.now ?? (() => new Date())
    this.#outcomes = new OutcomeQueue({
      pool: options.pool,
      queueMax: this.#queueMax,
      batchTimeoutMs: this.#batchTimeoutMs,
      onLost: options.onOutcomesLost ?? (() => {}),
    })
  }

  /**
   * Resolves `committed` once the receipt is durable, and `stale` when the organisation's epoch is another
   * one by now: whatever the call was decided on has changed. In every other case it rejects, and the
   * credential must not leave the process.
   * @throws {LedgerError} `receipt_queue_full`, `receipt_not_committed`, `receipts_closed`
   */
  commit(receipt: Receipt): Promise<'committed' | 'stale'> {
    return this.#enqueue(rowOfReceipt(receipt))
  }

  /**
   * Commits what is about to be asked of a KMS, under the same rules as {@link commit}: unless it resolves
   * `committed`, the KMS must not be asked.
   * @throws {LedgerError} as {@link commit}
   */
  intend(intent: UnwrapIntent): Promise<'committed' | 'stale'> {
    return this.#enqueue(rowOfIntent(intent, this.#now()))
  }

  /** Notes that the KMS did not unwrap what an intent announced; nobody waits for it, as with {@link settle}. */
  refused(intent: UnwrapIntent, refusal: UnwrapRefusal): void {
    this.#outcomes.add(rowOfRefusedUnwrap(intent, refusal, this.#now()))
  }

  /** Notes by which request the KMS unwrapped what no receipt will name, such as a canary. */
  completed(intent: UnwrapIntent, completion: UnwrapCompletion): void {
    this.#outcomes.add(rowOfCompletedUnwrap(intent, completion, this.#now()))
  }

  #enqueue(row: BatchRow): Promise<'committed' | 'stale'> {
    if (this.#isClosed) return Promise.reject(new LedgerError('receipts_closed', 'Hasp is shutting down.'))
    if (this.#queue.length >= this.#queueMax) {
      const message = `${this.#queueMax} receipts wait for the database already.`
      return Promise.reject(new LedgerError('receipt_queue_full', message))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ row, resolve, reject })
      this.#schedule()
    })
  }

  /**
   * Notes how a call ended; nobody waits for it. What cannot be written is retried, and in the end reported
   * to `onOutcomesLost`: a receipt without an outcome says that the end is unknown.
   */
  settle(outcome: ReceiptOutcome): void {
    this.#outcomes.add(rowOfOutcome(outcome, this.#now()))
  }

  /** Takes no more receipts, and waits until everything under way is written or refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    while (this.#queue.length > 0 || this.#inFlight !== undefined) {
      this.#flush()
      await this.#inFlight
    }
    await this.#outcomes[Symbol.asyncDispose]()
  }

  /** At the end of this turn of the event loop at the soonest, so that receipts of the same turn share a batch. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight !== undefined) return
    this.#isScheduled = true
    const flush = () => {
      this.#isScheduled = false
      this.#flush()
    }
    if (this.#lastBatchRows < siblingsMin) setImmediate(flush)
    else setTimeout(flush, companyWaitMs)
  }

  #flush(): void {
    if (this.#queue.length === 0 || this.#inFlight !== undefined) return
    const batch = this.#queue.splice(0, batchRowsMax)
    this.#lastBatchRows = batch.length
    this.#inFlight = this.#write(batch).finally(() => {
      this.#inFlight = undefined
      if (this.#queue.length > 0) this.#schedule()
    })
  }

  async #write(batch: Waiting[]): Promise<void> {
    try {
      const rows = batch.map((waiting) => waiting.row)
      const leftOut = await insertBatch(this.#pool, rows, this.#batchTimeoutMs)
      for (const { row, resolve } of batch) resolve(leftOut.has(row.entryId) ? 'stale' : 'committed')
    } catch (cause) {
      const message = 'The receipt is not known to be in the database.'
      for (const { reject } of batch) reject(new LedgerError('receipt_not_committed', message, { cause }))
    }
  }
}
