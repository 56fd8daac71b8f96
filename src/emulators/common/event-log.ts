import type { WriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { finished } from 'node:stream/promises'

export type EventLogOptions<Entry> = Readonly<{
  /** How many entries stay in memory; the oldest go first. */
  eventsMax?: number | undefined
  /** Each entry is appended to this file as one line of JSON. */
  ndjsonPath?: string | undefined
  onEvent?: ((entry: Entry) => void) | undefined
}>

type Waiter<Entry, Filter> = { filter: Filter; resolve: (entry: Entry) => void }

/** What an emulated cloud wrote down: in memory, and in a file if wanted. */
export class EventLog<Entry, Filter extends object> implements AsyncDisposable {
  readonly #matches: (entry: Entry, filter: Filter) => boolean
  readonly #eventsMax: number
  readonly #onEvent: ((entry: Entry) => void) | undefined
  readonly #file: WriteStream | undefined
  readonly #waiters = new Set<Waiter<Entry, Filter>>()
  #entries: Entry[] = []
  #fileFault: Error | undefined

  private constructor(
    options: EventLogOptions<Entry>,
    matches: (entry: Entry, filter: Filter) => boolean,
    file: WriteStream | undefined,
  ) {
    this.#matches = matches
    this.#eventsMax = options.eventsMax ?? 10_000
    this.#onEvent = options.onEvent
    this.#file = file
    file?.on('error', (error) => {
      this.#fileFault = error
    })
  }

  /** @throws {Error} when the file cannot be opened */
  static async open<Entry, Filter extends object>(
    options: EventLogOptions<Entry>,
    matches: (entry: Entry, filter: Filter) => boolean,
  ): Promise<EventLog<Entry, Filter>> {
    if (options.ndjsonPath === undefined) return new EventLog(options, matches, undefined)
    const handle = await open(options.ndjsonPath, 'a', 0o600)
    return new EventLog(options, matches, handle.createWriteStream())
  }

  append(entry: Entry): void {
    // A log that cannot be written must not look complete: every call fails from here on.
    if (this.#fileFault !== undefined) throw this.#fileFault
    this.#entries.push(entry)
    // Cut in halves, not one by one: shifting a long array for every entry would cost more than the entry.
    if (this.#entries.length >= this.#eventsMax * 2) this.#entries = this.#recent()
    this.#file?.write(`${JSON.stringify(entry)}\n`)
    this.#onEvent?.(entry)
    for (const waiter of this.#waiters) if (this.#matches(entry, waiter.filter)) waiter.resolve(entry)
  }

  entries(filter: Filter): Entry[] {
    return this.#recent().filter((entry) => this.#matches(entry, filter))
  }

  /** Resolves with the first entry that matches, past or coming. @throws {Error} after `timeoutMs` */
  async waitFor(filter: Filter, timeoutMs = 5000): Promise<Entry> {
    const seen = this.entries(filter)[0]
    if (seen !== undefined) return seen
    const { promise, resolve, reject } = Promise.withResolvers<Entry>()
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
    this.#entries = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#file === undefined) return
    this.#file.end()
    await finished(this.#file)
  }

  #recent(): Entry[] {
    return this.#entries.slice(-this.#eventsMax)
  }
}
