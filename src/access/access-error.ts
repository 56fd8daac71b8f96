export type AccessErrorCode =
  | 'unauthenticated'
  | 'admin_token_busy'
  | 'admin_token_not_found'
  | 'admin_token_last'
  | 'virtual_key_not_found'
  | 'virtual_key_target_unknown'
  | 'virtual_key_changed_meanwhile'
  | 'organisation_name_taken'
  | 'organisation_not_found'

/** Why somebody is not let in, or an access rule could not be made; never holds a token. */
export class AccessError extends Error {
  override readonly name = 'AccessError'
  readonly code: AccessErrorCode

  constructor(code: AccessErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
