import type { Db } from '#db/database.ts'

/** What keeps a KEK from being retired. */
export type StillWrapped = Readonly<{
  /** Credential versions that are in use. */
  inUse: number
  /** Former versions, kept until they are retired: they are sealed under the KEK all the same. */
  former: number
  /** Lifecycle jobs that have work to do from or to the KEK. */
  jobs: number
}>

/** Counts in the caller's transaction: under the organisation's lock, nothing is added while it looks. */
export async function countStillWrapped(trx: Db, orgId: string, kekId: string): Promise<StillWrapped> {
  const { in_use, all } = await trx
    .selectFrom('credentials')
    .leftJoin('targets', (join) =>
      join
        .onRef('targets.id', '=', 'credentials.target_id')
        .onRef('targets.org_id', '=', 'credentials.org_id')
        .onRef('targets.generation', '=', 'credentials.generation'),
    )
    .select(({ fn }) => [
      fn.count<string>('targets.id').as('in_use'),
      fn.count<string>('credentials.target_id').as('all'),
    ])
    .where('credentials.org_id', '=', orgId)
    .where('credentials.kek_id', '=', kekId)
    .executeTakeFirstOrThrow()
  const { jobs } = await trx
    .selectFrom('lifecycle_jobs')
    .select(({ fn }) => fn.countAll<string>().as('jobs'))
    .where('org_id', '=', orgId)
    .where('state', 'in', ['pending', 'running', 'blocked'])
    .where((either) => either.or([either('from_kek_id', '=', kekId), either('to_kek_id', '=', kekId)]))
    .executeTakeFirstOrThrow()
  return { inUse: Number(in_use), former: Number(all) - Number(in_use), jobs: Number(jobs) }
}
