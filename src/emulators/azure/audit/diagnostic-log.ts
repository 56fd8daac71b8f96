import { EventLog, type EventLogOptions } from '#emulators/common/event-log.ts'
import type { AuditEvent } from './audit-event.ts'

export type EventFilter = Readonly<{
  operationName?: string | undefined
  correlationId?: string | undefined
  /** Part of `properties.id`: a vault's host, a key's identifier. */
  objectId?: string | undefined
}>

export type DiagnosticLogOptions = EventLogOptions<AuditEvent>

/** Where all diagnostic settings deliver to. */
export type DiagnosticLog = EventLog<AuditEvent, EventFilter>

/** @throws {Error} when the NDJSON file cannot be opened */
export async function openDiagnosticLog(options: DiagnosticLogOptions): Promise<DiagnosticLog> {
  return EventLog.open<AuditEvent, EventFilter>(
    options,
    (event, { operationName, correlationId, objectId }) =>
      (operationName === undefined || event.operationName === operationName) &&
      (correlationId === undefined || event.correlationId === correlationId) &&
      (objectId === undefined || String(event.properties['id']).includes(objectId)),
  )
}
