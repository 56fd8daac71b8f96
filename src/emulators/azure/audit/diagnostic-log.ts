import type { WriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import type { AuditEvent } from './audit-event.ts'

export type EventFilter = Readonly<{
  operationName?: string | undefined
  correlationId?: string | undefined
  /** Part of `properties.id`: a vault's host, a key's identifier. */
  objectId?: string | undefined
}>

export type DiagnosticLogOptions = Readonly<{
  /** How many events stay in memory; the oldest go first. */
  eventsMax?: number | undefined
  /** Each event is appended to this file as one line of JSON. */
  ndjsonPath?: string | undefined
  onEvent?: ((event: AuditEvent) => void) | undefined
}>

type Waiter = { filter: EventFilter; resolve: (event: AuditEvent) => void }

/** Where all diagnostic settings deliver to. */
export class DiagnosticLog implements AsyncDisposable {
  readonly #options: DiagnosticLogOptions
  readonly #file: WriteStream | undefined
  readonly #waiters = new Set<Waiter>()
  #events: AuditEvent[] = []
  #fileFault: Error | undefined

  private constructor(options: DiagnosticLogOptions, file: WriteStream | undefined) {
    this.#options = options
    this.#file = file
    file?.on('error', (error) => {
      this.#fileFault = error
    })
  }

  /** @throws {Error} when the NDJSON file cannot be opened */
  static async open(options: DiagnosticLogOptions): Promise<DiagnosticLog> {
    if (options.ndjsonPath === undefined) return new DiagnosticLog(options, undefined)
    const handle = await open(options.ndjsonPath, 'a', 0o600)
    return new DiagnosticLog(options, handle.createWriteStream())
  }

  append(event: AuditEvent): void {
    // A log that cannot be written must not look complete: every call fails from here on.
    if (this.#fileFault !== undefined) throw this.#fileFault
    this.#events.push(event)
    // Cut in halves, not one by one: shifting a long array for every event would cost more than the event.
    if (this.#events.length >= this.#eventsMax * 2) this.#events = this.#recent()
    this.#file?.write(`${JSON.stringify(event)}\n`)
    this.#options.onEvent?.(event)
    for (const waiter of this.#waiters) if (matches(event, waiter.filter)) waiter.resolve(event)
  }

  events(filter: EventFilter = {}): AuditEvent[] {
    return this.#recent().filter((event) => matches(event, filter))
  }

  /** Resolves with the first event that matches, past or coming. @throws {Error} after `timeoutMs` */
  async waitForEvent(filter: EventFilter, timeoutMs = 5000): Promise<AuditEvent> {
    const seen = this.events(filter)[0]
    if (seen !== undefined) return seen
    const { promise, resolve, reject } = Promise.withResolvers<AuditEvent>()
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
    this.#events = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#file === undefined) return
    this.#file.end()
    await finished(this.#file)
  }

  get #eventsMax(): number {
    return this.#options.eventsMax ?? 10_000
  }

  #recent(): AuditEvent[] {
    return this.#events.slice(-this.#eventsMax)
  }
}

function matches(event: AuditEvent, { operationName, correlationId, objectId }: EventFilter): boolean {
  return (
    (operationName === undefined || event.operationName === operationName) &&
    (correlationId === undefined || event.correlationId === correlationId) &&
    (objectId === undefined || String(event.properties['id']).includes(objectId))
  )
}
