import type { Db } from '#db/database.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import { assertRowMac, judgedRows, type Judged } from '#integrity/assert-row-mac.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { unendedStates, type LifecycleJob, type LifecycleJobStatus } from './lifecycle-job.ts'
import { LifecycleJobError } from './lifecycle-job-error.ts'
import { findProgress, noProgress } from './progress-repository.ts'

const table = 'lifecycle_jobs'

function columnsOf(job: LifecycleJob) {
  return {
    id: job.id,
    org_id: job.orgId,
    kind: job.kind,
    from_kek_id: job.fromKekId,
    to_kek_id: job.toKekId,
    target_id: job.targetId,
    records_per_second_max: job.recordsPerSecondMax,
    state: job.state,
    state_reason: job.stateReason,
    actor: job.actor,
    created_at: job.createdAt,
    started_at: job.startedAt,
    ended_at: job.endedAt,
  }
}

type JobRow = Omit<ReturnType<typeof columnsOf>, 'kind' | 'state'> & {
  kind: string
  state: string
  mac: Buffer
}

/**
 * A row becomes a job only if its mac holds: whoever can write to the database must not be able to move credentials.
 * @throws {IntegrityError}
 */
function jobOf(ring: SecretRing, row: JobRow): LifecycleJob {
  const job: LifecycleJob = {
    id: row.id,
    orgId: row.org_id,
    // Both columns have a CHECK with these very words.
    kind: row.kind as LifecycleJob['kind'],
    fromKekId: row.from_kek_id,
    toKekId: row.to_kek_id,
    targetId: row.target_id,
    recordsPerSecondMax: row.records_per_second_max,
    state: row.state as LifecycleJob['state'],
    stateReason: row.state_reason,
    actor: row.actor,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
  assertRowMac(ring, table, columnsOf(job), row.mac)
  return job
}

/** @throws {LifecycleJobError} `lifecycle_job_under_way`: one job at a time takes records from a KEK. */
export async function insertJob(db: Db, ring: SecretRing, job: LifecycleJob): Promise<void> {
  const columns = columnsOf(job)
  try {
    await db
      .insertInto(table)
      .values({ ...columns, mac: rowMac(ring, table, columns) })
      .execute()
  } catch (error) {
    if (violatedConstraint(error) !== 'lifecycle_jobs_one_from_each_kek') throw error
    throw new LifecycleJobError('lifecycle_job_under_way', 'Another job works on this KEK already.')
  }
  await db
    .insertInto('lifecycle_job_progress')
    .values({ job_id: job.id, org_id: job.orgId, seen_at: job.createdAt })
    .execute()
}

/** @throws {LifecycleJobError} `lifecycle_job_not_found` also for another organisation's job. */
export async function findJob(db: Db, ring: SecretRing, orgId: string, jobId: string): Promise<LifecycleJob> {
  const row = await db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', jobId)
    .executeTakeFirst()
  if (row === undefined) {
    throw new LifecycleJobError(
      'lifecycle_job_not_found',
      'There is no lifecycle job with this id in your organisation.',
    )
  }
  return jobOf(ring, row)
}

/** Replaces `before` by `after` in one statement. @returns whether the row still was `before`. */
export async function replaceJob(
  db: Db,
  ring: SecretRing,
  before: LifecycleJob,
  after: LifecycleJob,
): Promise<boolean> {
  const columns = columnsOf(after)
  const result = await db
    .updateTable(table)
    .set({ ...columns, mac: rowMac(ring, table, columns) })
    .where('org_id', '=', before.orgId)
    .where('id', '=', before.id)
    .where('mac', 'in', rowMacs(ring, table, columnsOf(before)))
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** A job with its progress, for those who look at it. @throws {LifecycleJobError} `lifecycle_job_not_found` */
export async function findJobStatus(
  db: Db,
  ring: SecretRing,
  orgId: string,
  jobId: string,
): Promise<LifecycleJobStatus> {
  const job = await findJob(db, ring, orgId, jobId)
  const progress = (await findProgress(db, orgId, [jobId])).get(jobId)
  return { job, progress: progress ?? noProgress }
}

/** A page of jobs, newest first, at most `limit + 1` so that the caller knows of a next page. */
export async function listJobs(
  db: Db,
  ring: SecretRing,
  orgId: string,
  page: { beforeId: string | undefined; limit: number; kekId?: string | undefined },
): Promise<Judged<LifecycleJobStatus>[]> {
  let query = db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
  const { beforeId, kekId } = page
  if (beforeId !== undefined) query = query.where('id', '<', beforeId)
  if (kekId !== undefined) {
    query = query.where((either) =>
      either.or([either('from_kek_id', '=', kekId), either('to_kek_id', '=', kekId)]),
    )
  }
  const rows = await query.execute()
  const progress = await findProgress(
    db,
    orgId,
    rows.map((row) => row.id),
  )
  return judgedRows(rows, (row) => ({ job: jobOf(ring, row), progress: progress.get(row.id) ?? noProgress }))
}

/** The jobs of an organisation that have work before them, oldest first. */
export async function findUnendedJobs(db: Db, ring: SecretRing, orgId: string): Promise<LifecycleJob[]> {
  const rows = await db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .where('state', 'in', [...unendedStates])
    .orderBy('id')
    .execute()
  return rows.map((row) => jobOf(ring, row))
}

/** Jobs that nobody works on and somebody should: new ones, those left behind, and blocked ones whose pause is over. */
export async function findJobsToQueue(
  db: Db,
  now: Date,
  silentMs: number,
): Promise<{ orgId: string; jobId: string }[]> {
  const silentSince = new Date(now.getTime() - silentMs)
  const rows = await db
    .selectFrom('lifecycle_jobs as job')
    .innerJoin('lifecycle_job_progress as progress', 'progress.job_id', 'job.id')
    .select(['job.id', 'job.org_id'])
    .where((either) =>
      either.or([
        either.and([either('job.state', '=', 'blocked'), either('progress.retry_at', '<=', now)]),
        either.and([
          either('job.state', 'in', ['pending', 'running']),
          either('progress.seen_at', '<', silentSince),
        ]),
      ]),
    )
    .orderBy('job.id')
    .limit(100)
    .execute()
  return rows.map((row) => ({ orgId: row.org_id, jobId: row.id }))
}
