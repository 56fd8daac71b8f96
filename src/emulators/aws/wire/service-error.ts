/** A refusal as AWS words it: the code and status that the wire carries, and the text for the caller. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: string
  readonly httpStatus: number

  constructor(code: string, message = '', httpStatus = 400) {
    super(message)
    this.code = code
    this.httpStatus = httpStatus
  }
}

/** The wording of AWS's own input checks (`1 validation error detected: …`). */
export function validationError(member: string, constraint: string, value = ''): ServiceError {
  const shown = value === '' ? 'Value' : `Value '${value}'`
  return new ServiceError(
    'ValidationException',
    `1 validation error detected: ${shown} at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}
