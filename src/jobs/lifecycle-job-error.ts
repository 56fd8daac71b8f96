export type LifecycleJobErrorCode =
  | 'lifecycle_job_not_found'
  | 'lifecycle_job_invalid'
  | 'lifecycle_job_under_way'
  | 'lifecycle_job_ended'

/** Why something could not be done with a lifecycle job; meant for the organisation that it belongs to. */
export class LifecycleJobError extends Error {
  override readonly name = 'LifecycleJobError'
  readonly code: LifecycleJobErrorCode

  constructor(code: LifecycleJobErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
