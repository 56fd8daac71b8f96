import type { BeforeCommit } from '#db/before-commit.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { LifecycleJobDeps } from './deps.ts'
import { detailsOf } from './end.ts'
import { isEnded, type LifecycleJob, type LifecycleJobStatus } from './lifecycle-job.ts'
import { LifecycleJobError } from './lifecycle-job-error.ts'
import { takeOver } from './progress-repository.ts'
import { findJob, findJobStatus, replaceJob } from './repository.ts'

/** Each attempt loses only to the job itself, whose state changes seldom. */
const attemptsMax = 5

/**
 * Ends a job where it is: what it did stays done, and once this resolves no further record is.
 * @throws {LifecycleJobError} `lifecycle_job_not_found`, `lifecycle_job_ended`
 */
export async function cancelLifecycleJob(
  deps: Omit<LifecycleJobDeps, 'enqueue'>,
  input: Readonly<{
    orgId: string
    jobId: string
    actor: string
    beforeCommit?: BeforeCommit<LifecycleJobStatus>
  }>,
): Promise<LifecycleJobStatus> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const status = await cancelOnce(deps, input)
    if (status !== null) return status
  }
  throw new Error('The job changed each time that it was to be cancelled.')
}

/** @returns null where the job changed at the same moment. */
async function cancelOnce(
  deps: Omit<LifecycleJobDeps, 'enqueue'>,
  { orgId, jobId, actor, beforeCommit }: Parameters<typeof cancelLifecycleJob>[1],
): Promise<LifecycleJobStatus | null> {
  const { db, ring } = deps
  const before = await findJob(db.kysely, ring, orgId, jobId)
  if (isEnded(before)) {
    throw new LifecycleJobError('lifecycle_job_ended', `This job has ended already: it is ${before.state}.`)
  }
  return db
    .transaction(async (trx) => {
      const at = deps.now()
      const after: LifecycleJob = { ...before, state: 'cancelled', stateReason: null, endedAt: at }
      // The organisation's row first, as everywhere; then nothing of this transaction waits for a run for long.
      const { progress } = await findJobStatus(trx, ring, orgId, jobId)
      await recordChange(trx, {
        orgId,
        kind: 'lifecycle-job.ended',
        actor,
        occurredAt: at,
        kekId: before.fromKekId,
        details: { ...detailsOf(after), recordsDone: progress.recordsDone },
      })
      if (!(await replaceJob(trx, ring, before, after))) throw new Raced()
      await takeOver(trx, after, { runId: null, runBy: null, at })
      const status = await findJobStatus(trx, ring, orgId, jobId)
      await beforeCommit?.(trx, status)
      return status
    })
    .catch((error: unknown) => {
      if (error instanceof Raced) return null
      throw error
    })
}

/** Undoes the transaction: the job is not as it was read. */
class Raced extends Error {}
