import type { Db } from '#db/database.ts'
import { rowPrint } from '#db/row-print.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import { assertRowMac, genuineRows, judgedRows, type Judged } from '#integrity/assert-row-mac.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Target } from './target.ts'
import { changedMeanwhile, TargetError } from './target-error.ts'

function targetColumns(target: Target) {
  return {
    id: target.id,
    org_id: target.orgId,
    name: target.name,
    provider: target.provider,
    environment: target.environment,
    base_url: target.baseUrl,
    models: [...target.models],
    kek_id: target.kekId,
    generation: target.generation,
    created_at: target.createdAt,
    updated_at: target.updatedAt,
  }
}

type TargetRow = {
  -readonly [Column in keyof ReturnType<typeof targetColumns>]: ReturnType<typeof targetColumns>[Column]
}

function targetOf(
  ring: SecretRing,
  row: Omit<TargetRow, 'generation'> & { generation: string; mac: Buffer },
): Target {
  const target: Target = {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    provider: row.provider,
    environment: row.environment,
    baseUrl: row.base_url,
    models: row.models,
    kekId: row.kek_id,
    generation: Number(row.generation),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
  assertRowMac(ring, 'targets', targetColumns(target), row.mac)
  return target
}

/** @throws {TargetError} `target_not_found` also for another organisation's target. */
export async function findTarget(db: Db, ring: SecretRing, orgId: string, targetId: string): Promise<Target> {
  const row = await db
    .selectFrom('targets')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', targetId)
    .executeTakeFirst()
  if (row === undefined)
    throw new TargetError('target_not_found', 'There is no target with this id in your organisation.')
  return targetOf(ring, row)
}

/** A page of targets by id (time-ordered), at most `limit + 1` so that the caller knows of a next page. */
export async function listTargets(
  db: Db,
  ring: SecretRing,
  orgId: string,
  page: { afterId: string | undefined; limit: number; provider?: string | undefined },
): Promise<Judged<Target>[]> {
  let query = db
    .selectFrom('targets')
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId)
  if (page.provider !== undefined) query = query.where('provider', '=', page.provider)
  return judgedRows(await query.execute(), (row) => targetOf(ring, row))
}

/**
 * One fingerprint for each target of an organisation, by id: of its row and that of its credential in use, every
 * column of both. It tells that a row is another one, and proves nothing.
 */
export async function readRowPrints(db: Db, orgId: string): Promise<{ id: string; print: string }[]> {
  const rows = await db
    .selectFrom('targets')
    .leftJoin('credentials', (join) =>
      join
        .onRef('credentials.target_id', '=', 'targets.id')
        .onRef('credentials.org_id', '=', 'targets.org_id')
        .onRef('credentials.generation', '=', 'targets.generation'),
    )
    .select(['targets.id', rowPrint('targets').as('target'), rowPrint('credentials').as('credential')])
    .where('targets.org_id', '=', orgId)
    .orderBy('targets.id')
    .execute()
  return rows.map(({ id, target, credential }) => ({ id, print: `${target} ${credential}` }))
}

/** Those of an organisation's targets whose rows are ours; the id of any other goes to `onTampered`. */
export async function findTargetsOfOrg(
  db: Db,
  ring: SecretRing,
  orgId: string,
  targetIds: readonly string[],
  onTampered: (targetId: string) => void,
): Promise<Target[]> {
  if (targetIds.length === 0) return []
  const rows = await db
    .selectFrom('targets')
    .selectAll()
    .where('org_id', '=', orgId)
    .where((is) => is('id', '=', is.fn.any(is.val([...targetIds]))))
    .orderBy('id')
    .execute()
  return genuineRows(
    rows,
    (row) => targetOf(ring, row),
    (row) => onTampered(row.id),
  )
}

export async function insertTarget(db: Db, ring: SecretRing, target: Target): Promise<void> {
  const columns = targetColumns(target)
  try {
    await db
      .insertInto('targets')
      .values({ ...columns, mac: rowMac(ring, 'targets', columns) })
      .execute()
  } catch (error) {
    throw nameTaken(error)
  }
  await db.insertInto('target_health').values({ target_id: target.id, org_id: target.orgId }).execute()
}

/** Replaces `before` by `after` in one statement; fails if the row is no longer `before`. */
export async function replaceTarget(db: Db, ring: SecretRing, before: Target, after: Target): Promise<void> {
  const columns = targetColumns(after)
  try {
    const result = await db
      .updateTable('targets')
      .set({ ...columns, mac: rowMac(ring, 'targets', columns) })
      .where('org_id', '=', before.orgId)
      .where('id', '=', before.id)
      .where('mac', 'in', rowMacs(ring, 'targets', targetColumns(before)))
      .executeTakeFirst()
    if (result.numUpdatedRows !== 1n) throw changedMeanwhile()
  } catch (error) {
    throw nameTaken(error)
  }
}

/** Erases the target with every version of its credential. @returns how many versions were erased. */
export async function eraseTarget(db: Db, orgId: string, targetId: string): Promise<number> {
  const credentials = await db
    .deleteFrom('credentials')
    .where('org_id', '=', orgId)
    .where('target_id', '=', targetId)
    .executeTakeFirst()
  const targets = await db
    .deleteFrom('targets')
    .where('org_id', '=', orgId)
    .where('id', '=', targetId)
    .executeTakeFirst()
  if (targets.numDeletedRows !== 1n) {
    throw new TargetError('target_not_found', 'There is no target with this id in your organisation.')
  }
  return Number(credentials.numDeletedRows)
}

/** Those of `ids` that are no more: for calls under way, whatever the organisation. */
export async function findDeletedTargets(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('targets')
    .select('id')
    .where((eb) => eb('id', '=', eb.fn.any(eb.val([...ids]))))
    .execute()
  const kept = new Set(rows.map((row) => row.id))
  return ids.filter((id) => !kept.has(id))
}

function nameTaken(error: unknown): unknown {
  if (violatedConstraint(error) !== 'targets_org_id_name_key') return error
  return new TargetError(
    'target_name_taken',
    'Your organisation has a target of this name: choose another, or update that one.',
  )
}
