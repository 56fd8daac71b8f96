/**
 * - `malformed`: the bytes are not the one canonical encoding of a sealed record.
 * - `unsupported`: a format, suite or wrap algorithm that this version does not know.
 * - `invalid_context`: a context field that may not be encoded (control characters, not NFC, too long, …).
 * - `invalid_input`: what was given to seal, or the room given to open into, does not fit.
 * - `context_mismatch`: the record names another generation than the row it was read from.
 * - `commitment_mismatch`: the DEK or the context is not the one that the record was sealed under.
 * - `not_authentic`: AES-GCM refused the record.
 */
export type EnvelopeErrorCode =
  | 'malformed'
  | 'unsupported'
  | 'invalid_context'
  | 'invalid_input'
  | 'context_mismatch'
  | 'commitment_mismatch'
  | 'not_authentic'

/** The only error that src/envelope fails with. Names a field or a rule, never a value; carries no `cause`. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError'
  readonly code: EnvelopeErrorCode

  constructor(code: EnvelopeErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
