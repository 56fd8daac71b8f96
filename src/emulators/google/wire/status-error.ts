/** google.rpc.Code, by number, with the HTTP status that REST gives for it. */
export const statuses = [
  ['OK', 200],
  ['CANCELLED', 499],
  ['UNKNOWN', 500],
  ['INVALID_ARGUMENT', 400],
  ['DEADLINE_EXCEEDED', 504],
  ['NOT_FOUND', 404],
  ['ALREADY_EXISTS', 409],
  ['PERMISSION_DENIED', 403],
  ['RESOURCE_EXHAUSTED', 429],
  ['FAILED_PRECONDITION', 400],
  ['ABORTED', 409],
  ['OUT_OF_RANGE', 400],
  ['UNIMPLEMENTED', 501],
  ['INTERNAL', 500],
  ['UNAVAILABLE', 503],
  ['DATA_LOSS', 500],
  ['UNAUTHENTICATED', 401],
] as const
export type StatusName = (typeof statuses)[number][0]
export const statusNames = statuses.map(([name]) => name)

type Violation = Readonly<{ type: string; subject?: string; description?: string }>

/** The machine-readable parts of google.rpc.Status. */
export type StatusDetails = Readonly<{
  /** google.rpc.PreconditionFailure */
  violations?: readonly Violation[]
  /** google.rpc.ErrorInfo */
  reason?: string
  domain?: string
  metadata?: Readonly<Record<string, string>>
  /** google.rpc.RetryInfo */
  retryDelayMs?: number
}>

/** A refusal as Google words it. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: StatusName
  readonly details: StatusDetails

  constructor(status: StatusName, message: string, details: StatusDetails = {}) {
    super(message)
    this.status = status
    this.details = details
  }

  get code(): number {
    return statuses.findIndex(([name]) => name === this.status)
  }

  get httpStatus(): number {
    return statuses.find(([name]) => name === this.status)?.[1] ?? 500
  }
}

export function invalidArgument(message: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', message)
}

/** Refuses whatever is thrown: what is no refusal of ours is a fault of the emulator. */
export function asStatusError(error: unknown): StatusError {
  return error instanceof StatusError ? error : new StatusError('INTERNAL', 'The emulator failed.')
}
