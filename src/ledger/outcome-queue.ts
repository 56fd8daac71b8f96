import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '#db/database.ts'
import type { BatchRow } from './batch-row.ts'
import { insertBatch } from './insert-batch.ts'

const batchRowsMax = 500
const attemptsMax = 3
/** How long outcomes gather: nobody waits for them, and fewer batches leave the disk to the receipts. */
const gatherMs = 50
const retryDelayMs = 500

type Options = Readonly<{
  pool: Database['pool']
  queueMax: number
  batchTimeoutMs: number
  onLost: (count: number, error: unknown) => void
}>

/** Writes rows that nobody waits for, one batch at a time, behind the receipts' back. */
export class OutcomeQueue implements AsyncDisposable {
  readonly #options: Options
  #queue: BatchRow[] = []
  #draining: Promise<void> | undefined
  #isClosing = new AbortController()

  constructor(options: Options) {
    this.#options = options
  }

  add(row: BatchRow): void {
    if (this.#queue.length >= this.#options.queueMax) {
      this.#options.onLost(1, new Error('The queue of outcomes is full.'))
      return
    }
    this.#queue.push(row)
    this.#draining ??= this.#drain()
  }

  /** Writes what is queued, then returns. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing.abort()
    await this.#draining
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      if (this.#queue.length < batchRowsMax) await this.#pause(gatherMs)
      await this.#write(this.#queue.splice(0, batchRowsMax))
    }
    this.#draining = undefined
  }

  async #write(rows: BatchRow[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await insertBatch(this.#options.pool, rows, this.#options.batchTimeoutMs)
        return
      } catch (error) {
        if (attempt === attemptsMax) return this.#options.onLost(rows.length, error)
        await this.#pause(retryDelayMs * attempt)
      }
    }
  }

  /** Cut short when Hasp shuts down. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#isClosing.signal }).catch(() => {})
  }
}
