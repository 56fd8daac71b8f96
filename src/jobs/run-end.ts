/**
 * Why a run ends before its work does:
 * - `blocked`: somebody must act (a KEK was revoked, or is misconfigured); tried again by itself later;
 * - `superseded`: cancelled, or another run has the job;
 * - `stopping`: this process stops, another takes the job.
 */
export type RunEndKind = 'blocked' | 'superseded' | 'stopping'

/** Ends a run; the message is meant for the organisation. */
export class RunEnd extends Error {
  override readonly name = 'RunEnd'
  readonly kind: RunEndKind

  constructor(kind: RunEndKind, message: string) {
    super(message)
    this.kind = kind
  }
}
