import type { Db } from '#db/database.ts'
import { assertRowMac, genuineRows } from '#integrity/assert-row-mac.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Credential } from './target.ts'
import { changedMeanwhile } from './target-error.ts'

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
    // Not of the credentials: a database without statistics of these tables would go through all targets for each call.
    .where((is) => is('targets.id', '=', is.fn.any(is.val([...targetIds]))))
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
