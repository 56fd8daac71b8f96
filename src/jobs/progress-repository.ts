import { sql } from 'kysely'
import type { Db } from '#db/database.ts'
import type { LifecycleJob, LifecycleJobProgress } from './lifecycle-job.ts'

export const noProgress: LifecycleJobProgress = {
  recordsTotal: 0,
  recordsDone: 0,
  recordsFailed: 0,
  lastError: null,
  runBy: null,
}

/** By job. */
export async function findProgress(
  db: Db,
  orgId: string,
  jobIds: readonly string[],
): Promise<Map<string, LifecycleJobProgress>> {
  if (jobIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('lifecycle_job_progress')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('job_id', 'in', [...jobIds])
    .execute()
  return new Map(
    rows.map((row) => [
      row.job_id,
      {
        recordsTotal: Number(row.records_total),
        recordsDone: Number(row.records_done),
        recordsFailed: Number(row.records_failed),
        lastError: row.last_error,
        runBy: row.run_by,
      },
    ]),
  )
}

/** Makes `runId` the one run that may commit records of this job. */
export async function takeOver(
  db: Db,
  job: LifecycleJob,
  run: { runId: string | null; runBy: string | null; at: Date; recordsLeft?: number },
): Promise<void> {
  const { recordsLeft } = run
  await db
    .updateTable('lifecycle_job_progress')
    .set({
      run_id: run.runId,
      run_by: run.runBy,
      seen_at: run.at,
      retry_at: null,
      ...(recordsLeft === undefined
        ? {}
        : { records_failed: 0, last_error: null, records_total: sql<string>`records_done + ${recordsLeft}` }),
    })
    .where('org_id', '=', job.orgId)
    .where('job_id', '=', job.id)
    .execute()
}

/**
 * Notes what the run has seen and done.
 * @returns false where another run has taken over, or the job was cancelled: then nothing may be committed.
 */
export async function noteProgress(
  db: Db,
  job: LifecycleJob,
  run: {
    runId: string
    at: Date
    recordsDone?: number
    recordsFailed?: number
    lastError?: string | null
    retryAt?: Date
  },
): Promise<boolean> {
  const { recordsDone = 0, recordsFailed, lastError, retryAt } = run
  const result = await db
    .updateTable('lifecycle_job_progress')
    .set({
      seen_at: run.at,
      ...(recordsDone === 0 ? {} : { records_done: sql<string>`records_done + ${recordsDone}` }),
      ...(recordsFailed === undefined ? {} : { records_failed: recordsFailed }),
      ...(lastError === undefined ? {} : { last_error: lastError }),
      ...(retryAt === undefined ? {} : { retry_at: retryAt }),
    })
    .where('org_id', '=', job.orgId)
    .where('job_id', '=', job.id)
    .where('run_id', '=', run.runId)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Somebody looked at the job and could not take it: nobody needs to look again at once. */
export async function noteLook(db: Db, of: { orgId: string; jobId: string }, at: Date): Promise<void> {
  await db
    .updateTable('lifecycle_job_progress')
    .set({ seen_at: at })
    .where('org_id', '=', of.orgId)
    .where('job_id', '=', of.jobId)
    .execute()
}
