import { randomUUID } from 'node:crypto'
import { EventLog, type EventLogOptions } from '#emulators/common/event-log.ts'
import type { CloudTrailRecord, EventContent } from './record.ts'

export type EventFilter = Readonly<{
  /** Whose trail: the account that received the event. */
  accountId?: string | undefined
  eventName?: string | undefined
  requestId?: string | undefined
}>

export type AuditLogOptions = EventLogOptions<CloudTrailRecord>

/** The trails of all emulated accounts. An event that two accounts receive shares a `sharedEventID`. */
export class CloudTrail implements AsyncDisposable {
  readonly #log: EventLog<CloudTrailRecord, EventFilter>

  private constructor(log: EventLog<CloudTrailRecord, EventFilter>) {
    this.#log = log
  }

  /** @throws {Error} when the NDJSON file cannot be opened */
  static async open(options: AuditLogOptions): Promise<CloudTrail> {
    return new CloudTrail(await EventLog.open(options, matches))
  }

  deliver(content: EventContent, accountIds: readonly string[]): void {
    const shared = accountIds.length > 1 ? { sharedEventID: randomUUID() } : {}
    for (const recipientAccountId of accountIds) {
      this.#log.append({ ...content, eventID: randomUUID(), recipientAccountId, ...shared })
    }
  }

  events(filter: EventFilter = {}): CloudTrailRecord[] {
    return this.#log.entries(filter)
  }

  /** Resolves with the first event that matches, past or coming. @throws {Error} after `timeoutMs` */
  async waitForEvent(filter: EventFilter, timeoutMs?: number): Promise<CloudTrailRecord> {
    return this.#log.waitFor(filter, timeoutMs)
  }

  clear(): void {
    this.#log.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#log[Symbol.asyncDispose]()
  }
}

function matches(record: CloudTrailRecord, filter: EventFilter): boolean {
  return (
    (filter.accountId === undefined || record.recipientAccountId === filter.accountId) &&
    (filter.eventName === undefined || record.eventName === filter.eventName) &&
    (filter.requestId === undefined || record.requestID === filter.requestId)
  )
}
