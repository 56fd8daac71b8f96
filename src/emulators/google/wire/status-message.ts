import { encodeMessage, type MessageType } from './protobuf.ts'
import type { StatusDetails, StatusError } from './status-error.ts'

const any: MessageType = [
  { id: 1, name: 'typeUrl', kind: 'string' },
  { id: 2, name: 'value', kind: 'bytes' },
]
const status: MessageType = [
  { id: 1, name: 'code', kind: 'int32' },
  { id: 2, name: 'message', kind: 'string' },
  { id: 3, name: 'details', kind: any, isRepeated: true },
]
const violation: MessageType = [
  { id: 1, name: 'type', kind: 'string' },
  { id: 2, name: 'subject', kind: 'string' },
  { id: 3, name: 'description', kind: 'string' },
]
const preconditionFailure: MessageType = [{ id: 1, name: 'violations', kind: violation, isRepeated: true }]
const mapEntry: MessageType = [
  { id: 1, name: 'key', kind: 'string' },
  { id: 2, name: 'value', kind: 'string' },
]
const errorInfo: MessageType = [
  { id: 1, name: 'reason', kind: 'string' },
  { id: 2, name: 'domain', kind: 'string' },
  { id: 3, name: 'metadata', kind: mapEntry, isRepeated: true },
]
const duration: MessageType = [
  { id: 1, name: 'seconds', kind: 'int32' },
  { id: 2, name: 'nanos', kind: 'int32' },
]
const retryInfo: MessageType = [{ id: 1, name: 'retryDelay', kind: duration }]

/** google.rpc.Status as the trailer `grpc-status-details-bin` carries it; undefined where there is nothing to say. */
export function encodeStatus(error: StatusError): Buffer | undefined {
  const details = [...packed(error.details)]
  if (details.length === 0) return undefined
  return encodeMessage(status, { code: error.code, message: error.message, details })
}

function* packed({ violations, reason, domain, metadata, retryDelayMs }: StatusDetails) {
  if (reason !== undefined) {
    const entries = Object.entries(metadata ?? {}).map(([key, value]) => ({ key, value }))
    const info = { reason, domain: domain ?? 'googleapis.com', metadata: entries }
    yield { typeUrl: typeUrl('ErrorInfo'), value: encodeMessage(errorInfo, info) }
  }
  if (violations !== undefined) {
    yield {
      typeUrl: typeUrl('PreconditionFailure'),
      value: encodeMessage(preconditionFailure, { violations }),
    }
  }
  if (retryDelayMs !== undefined) {
    const retryDelay = { seconds: Math.floor(retryDelayMs / 1000), nanos: (retryDelayMs % 1000) * 1e6 }
    yield { typeUrl: typeUrl('RetryInfo'), value: encodeMessage(retryInfo, { retryDelay }) }
  }
}

/** The same in the JSON that REST answers and audit logs hold. */
export function statusJson(error: StatusError): Readonly<Record<string, unknown>> {
  const { violations, reason, domain = 'googleapis.com', metadata, retryDelayMs } = error.details
  const details = [
    ...(reason === undefined
      ? []
      : [{ '@type': typeUrl('ErrorInfo'), reason, domain, ...(metadata === undefined ? {} : { metadata }) }]),
    ...(violations === undefined ? [] : [{ '@type': typeUrl('PreconditionFailure'), violations }]),
    ...(retryDelayMs === undefined
      ? []
      : [{ '@type': typeUrl('RetryInfo'), retryDelay: `${retryDelayMs / 1000}s` }]),
  ]
  return { code: error.code, message: error.message, ...(details.length === 0 ? {} : { details }) }
}

function typeUrl(name: string): string {
  return `type.googleapis.com/google.rpc.${name}`
}
