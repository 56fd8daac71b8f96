import { newId } from '#db/ids.ts'
import { appendEntry } from '#ledger/append.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { Claim } from './claim.ts'
import type { RunDeps } from './deps.ts'
import { actorOf, type LifecycleJob } from './lifecycle-job.ts'
import { countRecordsLeft } from './records-left.ts'
import { noteProgress } from './progress-repository.ts'
import { findJobStatus, replaceJob } from './repository.ts'

/** How long a blocked job waits before it looks again whether it can go on. */
const blockedRetryMs = 15_000

/**
 * Ends the job, if nothing is left but `recordsFailed` records, in the one transaction that raises the organisation's
 * epoch: from its commit on, no request is decided on what was wrapped before. Nothing can be stored in between, for
 * the organisation's row is held.
 * @returns `left` where more came meanwhile, `superseded` where the job is not this run's any more.
 */
export async function endJob(
  deps: RunDeps,
  { job, runId }: Claim,
  recordsFailed: number,
): Promise<'ended' | 'left' | 'superseded'> {
  try {
    return await deps.db.transaction<'ended'>(async (trx) => {
      const at = deps.now()
      const { progress } = await findJobStatus(trx, deps.ring, job.orgId, job.id)
      const ended: LifecycleJob = {
        ...job,
        state: recordsFailed === 0 ? 'finished' : 'failed',
        stateReason: recordsFailed === 0 ? null : `${recordsFailed} records could not be done.`,
        endedAt: at,
      }
      await recordChange(trx, {
        orgId: job.orgId,
        kind: 'lifecycle-job.ended',
        actor: actorOf(job),
        occurredAt: at,
        kekId: job.fromKekId,
        details: { ...detailsOf(ended), recordsDone: progress.recordsDone, recordsFailed },
      })
      if ((await countRecordsLeft(trx, job)) > recordsFailed) throw new NotYet('left')
      const isOurs = await noteProgress(trx, job, { runId, at, recordsFailed })
      if (!isOurs || !(await replaceJob(trx, deps.ring, job, ended))) throw new NotYet('superseded')
      return 'ended'
    })
  } catch (error) {
    if (error instanceof NotYet) return error.why
    throw error
  }
}

/** Leaves the job for later: somebody must act first. The ledger is told once of each reason. */
export async function blockJob(
  deps: RunDeps,
  { job, before, runId }: Claim,
  reason: string,
): Promise<'blocked' | 'superseded'> {
  const at = deps.now()
  const blocked: LifecycleJob = { ...job, state: 'blocked', stateReason: reason }
  const retryAt = new Date(at.getTime() + blockedRetryMs)
  return deps.db.transaction(async (trx) => {
    if (!(await replaceJob(trx, deps.ring, job, blocked))) return 'superseded'
    await noteProgress(trx, job, { runId, at, retryAt, lastError: reason })
    if (before.state === 'blocked' && before.stateReason === reason) return 'blocked'
    await appendEntry(trx, {
      entryId: newId(),
      orgId: job.orgId,
      kind: 'lifecycle-job.blocked',
      actor: actorOf(job),
      occurredAt: at,
      kekId: job.fromKekId,
      details: detailsOf(blocked),
    })
    return 'blocked'
  })
}

/** What the ledger says of a job, whatever happens to it. */
export function detailsOf(job: LifecycleJob) {
  const { id, kind, state, stateReason, fromKekId, toKekId, targetId } = job
  return { jobId: id, kind, state, reason: stateReason, fromKekId, toKekId, onlyTargetId: targetId }
}

/** Undoes the transaction that would have ended the job. */
class NotYet extends Error {
  readonly why: 'left' | 'superseded'

  constructor(why: 'left' | 'superseded') {
    super(`The job does not end: ${why}.`)
    this.why = why
  }
}
