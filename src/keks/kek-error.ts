export type KekErrorCode =
  | 'kek_not_found'
  | 'kek_name_taken'
  | 'kek_already_claimed'
  | 'kek_already_registered'
  | 'kek_not_active'
  | 'kek_in_use'
  | 'kek_protection_too_low'
  | 'kek_provider_unavailable'
  | 'kek_verification_failed'
  | 'kek_changed_meanwhile'
  | 'onboarding_link_not_found'
  | 'onboarding_link_busy'
  | 'drill_not_found'
  | 'drill_under_way'
  | 'drill_not_running'
  | 'drill_mark_invalid'

/** Why something could not be done with a KEK; `message` is meant for the organisation that owns it. */
export class KekError extends Error {
  override readonly name = 'KekError'
  readonly code: KekErrorCode

  constructor(code: KekErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
