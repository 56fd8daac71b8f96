import type { AccessErrorCode } from '#access/access-error.ts'
import type { CursorError } from '#db/keyset.ts'
import type { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { LifecycleJobErrorCode } from '#jobs/lifecycle-job-error.ts'
import type { KekErrorCode } from '#keks/kek-error.ts'
import type { KekFaultKind } from '#kms/kek-fault.ts'
import type { TargetErrorCode } from '#targets/target-error.ts'
import type { RequestErrorCode } from './request-error.ts'

/** Every code that an operation of ours can fail with. */
export type ErrorCode =
  | AccessErrorCode
  | CursorError['code']
  | IntegrityError['code']
  | KekErrorCode
  | `kek_${KekFaultKind}`
  | LifecycleJobErrorCode
  | RequestErrorCode
  | TargetErrorCode

type HttpProblem = Readonly<{ status: number; title: string; retryAfterSeconds?: number }>

/** The one place where our codes meet HTTP. */
export const problems = {
  unauthenticated: { status: 401, title: 'Authentication is needed' },

  organisation_not_found: { status: 404, title: 'Organisation not found' },
  organisation_name_taken: { status: 409, title: 'Organisation name is taken' },
  admin_token_busy: { status: 503, title: 'Too many unknown admin tokens', retryAfterSeconds: 1 },
  admin_token_not_found: { status: 404, title: 'Admin token not found' },
  admin_token_last: { status: 409, title: 'The last admin token can not be revoked' },
  virtual_key_not_found: { status: 404, title: 'Virtual key not found' },
  virtual_key_target_unknown: { status: 422, title: 'Unknown target in the scope' },
  virtual_key_changed_meanwhile: { status: 409, title: 'Changed by somebody else' },

  kek_not_found: { status: 404, title: 'KEK not found' },
  kek_name_taken: { status: 409, title: 'KEK name is taken' },
  kek_already_claimed: { status: 409, title: 'Key is in use as a KEK already' },
  kek_already_registered: { status: 409, title: 'Key is registered already' },
  kek_protection_too_low: { status: 409, title: 'KEK is not kept in an HSM' },
  kek_not_active: { status: 409, title: 'KEK is not active' },
  kek_in_use: { status: 409, title: 'KEK is still in use' },
  kek_provider_unavailable: { status: 422, title: 'KMS provider is not available' },
  kek_verification_failed: { status: 422, title: 'KEK verification failed' },
  kek_changed_meanwhile: { status: 409, title: 'Changed by somebody else' },
  onboarding_link_not_found: { status: 404, title: 'Onboarding link not found' },
  onboarding_link_busy: { status: 503, title: 'Too many unknown links', retryAfterSeconds: 1 },
  drill_not_found: { status: 404, title: 'Drill not found' },
  drill_under_way: { status: 409, title: 'A drill of this KEK is under way' },
  drill_not_running: { status: 409, title: 'Drill has ended' },
  drill_mark_invalid: { status: 422, title: 'Mark does not fit the drill' },
  kek_revoked: { status: 403, title: 'KEK is revoked' },
  kek_unreachable: { status: 503, title: 'KMS is unreachable', retryAfterSeconds: 5 },
  kek_throttled: { status: 503, title: 'KMS asks to slow down', retryAfterSeconds: 5 },
  kek_misconfigured: { status: 422, title: 'KEK is misconfigured' },
  kek_tampered: { status: 500, title: 'Sealed record was tampered with' },
  kek_ours: { status: 503, title: 'Hasp’s own cloud credentials do not work', retryAfterSeconds: 30 },

  lifecycle_job_not_found: { status: 404, title: 'Lifecycle job not found' },
  lifecycle_job_invalid: { status: 422, title: 'Lifecycle job is not possible' },
  lifecycle_job_under_way: { status: 409, title: 'Another lifecycle job works on this KEK' },
  lifecycle_job_ended: { status: 409, title: 'Lifecycle job has ended' },

  target_not_found: { status: 404, title: 'Target not found' },
  target_name_taken: { status: 409, title: 'Target name is taken' },
  target_provider_unknown: { status: 422, title: 'Unknown provider' },
  target_base_url_refused: { status: 422, title: 'Base URL is not allowed' },
  target_kek_not_active: { status: 409, title: 'KEK is not active' },
  target_changed_meanwhile: { status: 409, title: 'Changed by somebody else' },
  credential_malformed: { status: 422, title: 'Credential is malformed' },
  credential_is_preview: { status: 422, title: 'This is a preview, not a credential' },
  credential_rejected_by_provider: { status: 422, title: 'Provider refuses the credential' },
  credential_not_checkable: { status: 502, title: 'Provider could not be asked' },
  credential_version_not_found: { status: 404, title: 'Credential version not found' },
  credential_version_in_use: { status: 409, title: 'Credential version is in use' },

  row_tampered: { status: 500, title: 'A stored record was tampered with' },
  invalid_cursor: { status: 400, title: 'Cursor is not valid' },
  body_malformed: { status: 400, title: 'Body is not valid JSON' },
  body_invalid: { status: 400, title: 'Request does not fit its schema' },
  body_too_large: { status: 413, title: 'Body is too large' },
  media_type_unsupported: { status: 415, title: 'Send application/json' },
  header_invalid: { status: 400, title: 'Header is not valid' },
  idempotency_key_reused: { status: 422, title: 'Idempotency-Key was used for another request' },
  idempotency_in_progress: { status: 409, title: 'The same request is under way', retryAfterSeconds: 1 },
  not_found: { status: 404, title: 'There is nothing at this address' },
  too_many_requests: { status: 429, title: 'Too many requests', retryAfterSeconds: 60 },
  overloaded: { status: 503, title: 'Service is not ready', retryAfterSeconds: 5 },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<ErrorCode, HttpProblem>
