import type { Db } from '#db/database.ts'
import type { Credential } from '#targets/target.ts'
import type { LifecycleJob } from './lifecycle-job.ts'

/**
 * Which versions of credentials a job has yet to do is read from the credentials themselves, never from a note of how
 * far it came: so a job that was killed anywhere goes on with exactly what is left.
 */
export function isLeft(job: LifecycleJob, version: Credential): boolean {
  if (version.kekId !== job.fromKekId) return false
  switch (job.kind) {
    case 'move':
      return true
    case 'rewrap':
      return version.wrappedAt < job.createdAt
    case 're-encrypt':
      return version.dekCreatedAt < job.createdAt
  }
}

/** Up to `limit` targets with a version that is left, by id, from the one after `afterId` on. */
export async function findRecordsLeft(
  db: Db,
  job: LifecycleJob,
  page: { afterId: string | null; limit: number },
): Promise<string[]> {
  let query = versionsLeft(db, job).select('target_id').distinct().orderBy('target_id').limit(page.limit)
  if (page.afterId !== null) query = query.where('target_id', '>', page.afterId)
  return (await query.execute()).map((row) => row.target_id)
}

/** How many targets have a version that is left. */
export async function countRecordsLeft(db: Db, job: LifecycleJob): Promise<number> {
  const { records } = await versionsLeft(db, job)
    .select((count) => count.fn.count<string>('target_id').distinct().as('records'))
    .executeTakeFirstOrThrow()
  return Number(records)
}

/** {@link isLeft}, as the database says it. */
function versionsLeft(db: Db, job: LifecycleJob) {
  let query = db.selectFrom('credentials').where('org_id', '=', job.orgId).where('kek_id', '=', job.fromKekId)
  if (job.targetId !== null) query = query.where('target_id', '=', job.targetId)
  if (job.kind === 'rewrap') query = query.where('wrapped_at', '<', job.createdAt)
  if (job.kind === 're-encrypt') query = query.where('dek_created_at', '<', job.createdAt)
  return query
}
