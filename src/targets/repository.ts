import type { Db } from '#db/database.ts'
import { rowPrint } from '#db/row-print.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import { assertRowMac, genuineRows, judgedRows, type Judged } from '#integrity/assert-row-mac.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Credential, Target, TargetHealth } from './target.ts'
import { TargetError } from './target-error.ts'

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

function credentialColumns(credential: Credential) {
  return {
    target_id: credential.targetId,
    generation: credential.generation,
    org_id: credential.orgId,
    kek_id: credential.kekId,
    preview: credential.preview,
    sealed: credential.sealed,
    created_at: credential.createdAt,
    wrapped_at: credential.wrappedAt,
    dek_created_at: credential.dekCreatedAt,
  }
}

type CredentialRow = Omit<ReturnType<typeof credentialColumns>, 'generation'> & {
  generation: string
  mac: Buffer
}

function credentialOf(ring: SecretRing, row: CredentialRow): Credential {
  const credential: Credential = {
    targetId: row.target_id,
    orgId: row.org_id,
    generation: Number(row.generation),
    kekId: row.kek_id,
    preview: row.preview,
    sealed: row.sealed,
    createdAt: row.created_at,
    wrappedAt: row.wrapped_at,
    dekCreatedAt: row.dek_created_at,
  }
  assertRowMac(ring, 'credentials', credentialColumns(credential), row.mac)
  return credential
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

/** The credential in use of each of these targets, where its row is ours. */
export async function findCurrentCredentialsOfOrg(
  db: Db,
  ring: SecretRing,
  orgId: string,
  targetIds: readonly string[],
  onTampered: (targetId: string) => void,
): Promise<Credential[]> {
  if (targetIds.length === 0) return []
  const rows = await db
    .selectFrom('credentials')
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.id', '=', 'credentials.target_id')
        .onRef('targets.org_id', '=', 'credentials.org_id')
        .onRef('targets.generation', '=', 'credentials.generation'),
    )
    .selectAll('credentials')
    .where('credentials.org_id', '=', orgId)
    .where((is) => is('credentials.target_id', '=', is.fn.any(is.val([...targetIds]))))
    .execute()
  return genuineRows(
    rows,
    (row) => credentialOf(ring, row),
    (row) => onTampered(row.target_id),
  )
}

/**
 * Every version of the targets' credentials, newest first. Sealed bytes included, never opened here. A version whose
 * row is not ours goes to `onTampered` instead, where there is one.
 * @throws {IntegrityError} where there is none.
 */
export async function findCredentials(
  db: Db,
  ring: SecretRing,
  orgId: string,
  targetIds: string[],
  onTampered?: (version: { targetId: string; generation: number }) => void,
): Promise<Credential[]> {
  if (targetIds.length === 0) return []
  const rows = await db
    .selectFrom('credentials')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('target_id', 'in', targetIds)
    .orderBy('generation', 'desc')
    .execute()
  const read = (row: CredentialRow) => credentialOf(ring, row)
  if (onTampered === undefined) return rows.map(read)
  return genuineRows(rows, read, (row) =>
    onTampered({ targetId: row.target_id, generation: Number(row.generation) }),
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

export async function insertCredential(db: Db, ring: SecretRing, credential: Credential): Promise<void> {
  const columns = credentialColumns(credential)
  await db
    .insertInto('credentials')
    .values({ ...columns, mac: rowMac(ring, 'credentials', columns) })
    .execute()
}

/**
 * Replaces one version's seal in one statement: the old row's mac stands for all its columns.
 * @throws {TargetError} `target_changed_meanwhile` if the row is no longer `before`.
 */
export async function replaceCredential(
  db: Db,
  ring: SecretRing,
  before: Credential,
  after: Credential,
): Promise<void> {
  const columns = credentialColumns(after)
  const result = await db
    .updateTable('credentials')
    .set({ ...columns, mac: rowMac(ring, 'credentials', columns) })
    .where('org_id', '=', before.orgId)
    .where('target_id', '=', before.targetId)
    .where('generation', '=', String(before.generation))
    .where('mac', 'in', rowMacs(ring, 'credentials', credentialColumns(before)))
    .executeTakeFirst()
  if (result.numUpdatedRows !== 1n) throw changedMeanwhile()
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

/** Erases one version that is not in use, in one statement. @returns whether there was one. */
export async function eraseCredential(
  db: Db,
  orgId: string,
  targetId: string,
  generation: number,
): Promise<boolean> {
  const result = await db
    .deleteFrom('credentials')
    .where('org_id', '=', orgId)
    .where('target_id', '=', targetId)
    .where('generation', '=', String(generation))
    .where('generation', '<', (current) =>
      current
        .selectFrom('targets')
        .select('generation')
        .where('org_id', '=', orgId)
        .where('id', '=', targetId),
    )
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

export async function findHealth(
  db: Db,
  orgId: string,
  targetIds: string[],
): Promise<Map<string, TargetHealth>> {
  if (targetIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('target_health')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('target_id', 'in', targetIds)
    .execute()
  return new Map(
    rows.map((row) => [
      row.target_id,
      {
        lastUsedAt: row.last_used_at,
        lastVerifiedAt: row.last_verified_at,
        // The column has a CHECK with these very words.
        verification: row.verification as TargetHealth['verification'],
        detail: row.detail,
      },
    ]),
  )
}

export async function recordVerification(
  db: Db,
  seen: {
    orgId: string
    targetId: string
    at: Date
    verification: NonNullable<TargetHealth['verification']>
    detail: string | null
  },
): Promise<void> {
  await db
    .updateTable('target_health')
    .set({ last_verified_at: seen.at, verification: seen.verification, detail: seen.detail })
    .where('org_id', '=', seen.orgId)
    .where('target_id', '=', seen.targetId)
    .execute()
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

/** Moves `last_used_at` of many targets forward at once. */
export async function recordUses(
  db: Db,
  uses: readonly { orgId: string; targetId: string; at: Date }[],
): Promise<void> {
  for (const use of uses) {
    await db
      .updateTable('target_health')
      .set({ last_used_at: use.at })
      .where('org_id', '=', use.orgId)
      .where('target_id', '=', use.targetId)
      .execute()
  }
}

function nameTaken(error: unknown): unknown {
  if (violatedConstraint(error) !== 'targets_org_id_name_key') return error
  return new TargetError(
    'target_name_taken',
    'Your organisation has a target of this name: choose another, or update that one.',
  )
}

function changedMeanwhile(): TargetError {
  return new TargetError(
    'target_changed_meanwhile',
    'The target was changed by somebody else at the same time: read it again and repeat.',
  )
}
