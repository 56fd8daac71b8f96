import { EventLog, type EventLogOptions } from '#emulators/common/event-log.ts'
import type { LogEntry } from './log-entry.ts'

export type EntryFilter = Readonly<{
  projectId?: string | undefined
  /** `activity` or `data_access`. */
  log?: string | undefined
  methodName?: string | undefined
  /** Of `X-Goog-Request-Reason`. */
  reason?: string | undefined
}>

export type AuditLogOptions = EventLogOptions<LogEntry>

/** The Cloud Audit Logs of all emulated projects. */
export type AuditLog = EventLog<LogEntry, EntryFilter>

export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  return EventLog.open<LogEntry, EntryFilter>(options, (entry, filter) => {
    const { protoPayload, resource } = entry
    return (
      (filter.projectId === undefined || resource.labels['project_id'] === filter.projectId) &&
      (filter.log === undefined || entry.logName.endsWith(`%2F${filter.log}`)) &&
      (filter.methodName === undefined || protoPayload.methodName === filter.methodName) &&
      (filter.reason === undefined ||
        protoPayload.requestMetadata.requestAttributes['reason'] === filter.reason)
    )
  })
}
