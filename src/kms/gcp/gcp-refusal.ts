export type GcpOperation = 'Encrypt' | 'Decrypt'

/** The names of gRPC's status codes, by number (google.rpc.Code). */
const STATUSES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const
export type GcpStatus = (typeof STATUSES)[number]

/** One entry of google.rpc.PreconditionFailure. */
export type Violation = Readonly<{ type: string; description: string }>

/**
 * A status that a gRPC call to Google ended with, before it is judged. It holds Google's own text, which names
 * projects, keys and principals: it stays within this folder and is never a `cause`.
 */
export class GcpRefusal extends Error {
  override readonly name = 'GcpRefusal'
  readonly status: GcpStatus
  /** google.rpc.ErrorInfo's `reason`, where there is one. */
  readonly reason: string | undefined
  readonly violations: readonly Violation[]
  /** google.rpc.RetryInfo, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    status: GcpStatus,
    message: string,
    details: {
      reason?: string | undefined
      violations?: readonly Violation[]
      retryAfterMs?: number | undefined
    } = {},
  ) {
    super(message)
    this.status = status
    this.reason = details.reason
    this.violations = details.violations ?? []
    this.retryAfterMs = details.retryAfterMs
  }
}

/**
 * Reads what the Google client throws; undefined when it is no status of a call at all. Nothing of the client's
 * error is kept but what is read here: it carries the request's metadata, and with it our token.
 */
export function refusalOf(error: unknown): GcpRefusal | undefined {
  if (!(error instanceof Error) || !isRecord(error)) return undefined
  const { code, details, statusDetails, reason } = error
  const status = typeof code === 'number' ? STATUSES[code] : undefined
  if (status === undefined) return undefined
  const entries = Array.isArray(statusDetails) ? statusDetails.filter(isRecord) : []
  return new GcpRefusal(status, typeof details === 'string' ? details : error.message, {
    reason: typeof reason === 'string' && reason !== '' ? reason : undefined,
    violations: entries.flatMap((entry) => violationsIn(entry)),
    retryAfterMs: entries.map((entry) => retryDelayMs(entry)).find((delayMs) => delayMs !== undefined),
  })
}

function violationsIn(entry: Record<string, unknown>): Violation[] {
  const { violations } = entry
  if (!Array.isArray(violations)) return []
  return violations
    .filter(isRecord)
    .map(({ type, description }) => ({ type: textOf(type), description: textOf(description) }))
}

function retryDelayMs({ retryDelay }: Record<string, unknown>): number | undefined {
  if (!isRecord(retryDelay)) return undefined
  const delayMs = Number(retryDelay['seconds'] ?? 0) * 1000 + Number(retryDelay['nanos'] ?? 0) / 1e6
  return Number.isFinite(delayMs) && delayMs > 0 ? Math.ceil(delayMs) : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
