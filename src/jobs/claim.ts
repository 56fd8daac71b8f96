import { newId } from '#db/ids.ts'
import type { Kek } from '#keks/kek.ts'
import { findKek } from '#keks/repository.ts'
import type { RunDeps } from './deps.ts'
import { isEnded, type LifecycleJob } from './lifecycle-job.ts'
import { countRecordsLeft } from './records-left.ts'
import { takeOver } from './progress-repository.ts'
import { findJob, replaceJob } from './repository.ts'

export type Claim = Readonly<{
  job: LifecycleJob
  /** As it was before. */
  before: LifecycleJob
  runId: string
  from: Kek
  to: Kek
}>

/**
 * Makes this run the one that may commit records of the job, whoever had it before.
 * @returns null where nothing is to be done: the job has ended, or changed at this moment.
 * @throws {IntegrityError} where the job or a KEK of it is not as this service wrote it; {KekError} where a KEK is not
 *   the organisation's own.
 */
export async function claimJob(deps: RunDeps, orgId: string, jobId: string): Promise<Claim | null> {
  const { ring, now, runBy } = deps
  return deps.db.transaction(async (trx) => {
    const before = await findJob(trx, ring, orgId, jobId)
    if (isEnded(before)) return null
    const from = await findKek(trx, ring, orgId, before.fromKekId)
    const to = await findKek(trx, ring, orgId, before.toKekId)
    const at = now()
    const job: LifecycleJob = {
      ...before,
      state: 'running',
      stateReason: null,
      startedAt: before.startedAt ?? at,
    }
    if (!(await replaceJob(trx, ring, before, job))) return null
    const runId = newId()
    await takeOver(trx, job, { runId, runBy, at, recordsLeft: await countRecordsLeft(trx, job) })
    return { job, before, runId, from, to }
  })
}
