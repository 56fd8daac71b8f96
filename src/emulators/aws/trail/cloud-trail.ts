import { randomUUID } from 'node:crypto'
import type { WriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import type { CloudTrailRecord, EventContent } from './record.ts'

export type EventFilter = Readonly<{
  /** Whose trail: the account that received the event. */
  accountId?: string | undefined
  eventName?: string | undefined
  requestId?: string | undefined
}>

export type AuditLogOptions = Readonly<{
  /** How many events stay in memory; the oldest go first. */
  eventsMax?: number | undefined
  /** Each event is appended to this file as one line of JSON. */
  ndjsonPath?: string | undefined
  onEvent?: ((record: CloudTrailRecord) => void) | undefined
}>

type Waiter = { filter: EventFilter; resolve: (record: CloudTrailRecord) => void }

/** The trails of all emulated accounts. An event that two accounts receive shares a `sharedEventID`. */
export class CloudTrail implements AsyncDisposable {
  readonly #eventsMax: number
  readonly #onEvent: ((record: CloudTrailRecord) => void) | undefined
  readonly #file: WriteStream | undefined
  readonly #waiters = new Set<Waiter>()
  #records: CloudTrailRecord[] = []
  #fileFault: Error | undefined

  private constructor(options: AuditLogOptions, file: WriteStream | undefined) {
    this.#eventsMax = options.eventsMax ?? 10_000
    this.#onEvent = options.onEvent
    this.#file = file
    file?.on('error', (error) => {
      this.#fileFault = error
    })
  }

  /** @throws {Error} when the NDJSON file cannot be opened */
  static async open(options: AuditLogOptions): Promise<CloudTrail> {
    if (options.ndjsonPath === undefined) return new CloudTrail(options, undefined)
    const handle = await open(options.ndjsonPath, 'a', 0o600)
    return new CloudTrail(options, handle.createWriteStream())
  }

  deliver(content: EventContent, accountIds: readonly string[]): void {
    const shared = accountIds.length > 1 ? { sharedEventID: randomUUID() } : {}
    for (const recipientAccountId of accountIds) {
      this.#append({ ...content, eventID: randomUUID(), recipientAccountId, ...shared })
    }
  }

  events(filter: EventFilter = {}): CloudTrailRecord[] {
    return this.#recent().filter((record) => matches(record, filter))
  }

  /** Resolves with the first event that matches, past or coming. @throws {Error} after `timeoutMs` */
  async waitForEvent(filter: EventFilter, timeoutMs = 5000): Promise<CloudTrailRecord> {
    const seen = this.events(filter)[0]
    if (seen !== undefined) return seen
    const { promise, resolve, reject } = Promise.withResolvers<CloudTrailRecord>()
    const waiter = { filter, resolve }
    this.#waiters.add(waiter)
    const timer = setTimeout(
      () => reject(new Error(`No such event within ${timeoutMs} ms: ${JSON.stringify(filter)}`)),
      timeoutMs,
    )
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiters.delete(waiter)
    }
  }

  clear(): void {
    this.#records = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#file === undefined) return
    this.#file.end()
    await finished(this.#file)
  }

  #recent(): CloudTrailRecord[] {
    return this.#records.slice(-this.#eventsMax)
  }

  #append(record: CloudTrailRecord): void {
    // A trail that cannot be written must not look complete: every call fails from here on.
    if (this.#fileFault !== undefined) throw this.#fileFault
    this.#records.push(record)
    // Cut in halves, not one by one: shifting a long array for every event would cost more than the event.
    if (this.#records.length >= this.#eventsMax * 2) this.#records = this.#recent()
    this.#file?.write(`${JSON.stringify(record)}\n`)
    this.#onEvent?.(record)
    for (const waiter of this.#waiters) if (matches(record, waiter.filter)) waiter.resolve(record)
  }
}

function matches(record: CloudTrailRecord, filter: EventFilter): boolean {
  return (
    (filter.accountId === undefined || record.recipientAccountId === filter.accountId) &&
    (filter.eventName === undefined || record.eventName === filter.eventName) &&
    (filter.requestId === undefined || record.requestID === filter.requestId)
  )
}
