export type RequestErrorCode =
  | 'body_malformed'
  | 'body_invalid'
  | 'body_too_large'
  | 'media_type_unsupported'
  | 'header_invalid'
  | 'idempotency_key_reused'
  | 'idempotency_in_progress'
  | 'not_found'
  | 'too_many_requests'
  | 'overloaded'
  | 'internal'

/** A request that is refused before any feature sees it; `message` never repeats what the body held. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode

  constructor(code: RequestErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
