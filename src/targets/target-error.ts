export type TargetErrorCode =
  | 'target_not_found'
  | 'target_name_taken'
  | 'target_provider_unknown'
  | 'target_base_url_refused'
  | 'target_kek_not_active'
  | 'target_changed_meanwhile'
  | 'credential_malformed'
  | 'credential_is_preview'
  | 'credential_rejected_by_provider'
  | 'credential_not_checkable'
  | 'credential_version_not_found'
  | 'credential_version_in_use'

/** Why something could not be done with a target; never holds any part of a credential. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
  readonly code: TargetErrorCode

  constructor(code: TargetErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Of a row that is no longer what it was when the change began. */
export function changedMeanwhile(): TargetError {
  return new TargetError(
    'target_changed_meanwhile',
    'The target was changed by somebody else at the same time: read it again and repeat.',
  )
}
