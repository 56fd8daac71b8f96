import type { Db } from '#db/database.ts'
import {
  assertRowMac,
  judgedByDigest,
  judgedRows,
  onlyIfTampered,
  type Judged,
} from '#integrity/assert-row-mac.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { AccessError } from './access-error.ts'
import { buriedToken } from './buried-token.ts'
import type { VirtualKey } from './virtual-key.ts'

function virtualKeyColumns(virtualKey: VirtualKey) {
  return {
    id: virtualKey.id,
    org_id: virtualKey.orgId,
    name: virtualKey.name,
    digest: virtualKey.digest,
    hint: virtualKey.hint,
    target_ids: [...virtualKey.targetIds],
    models: [...virtualKey.models],
    created_at: virtualKey.createdAt,
    expires_at: virtualKey.expiresAt,
    revoked_at: virtualKey.revokedAt,
  }
}

function virtualKeyOf(
  ring: SecretRing,
  row: ReturnType<typeof virtualKeyColumns> & { mac: Buffer },
): VirtualKey {
  const virtualKey: VirtualKey = {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    digest: row.digest,
    hint: row.hint,
    targetIds: row.target_ids,
    models: row.models,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
  assertRowMac(ring, 'virtual_keys', virtualKeyColumns(virtualKey), row.mac)
  return virtualKey
}

/** @throws {AccessError} `virtual_key_not_found` also for another organisation's key. */
export async function findVirtualKey(
  db: Db,
  ring: SecretRing,
  orgId: string,
  id: string,
): Promise<VirtualKey> {
  const row = await db
    .selectFrom('virtual_keys')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) {
    throw new AccessError(
      'virtual_key_not_found',
      'There is no virtual key with this id in your organisation.',
    )
  }
  return virtualKeyOf(ring, row)
}

export type FoundVirtualKey = Readonly<{ virtualKey: VirtualKey; epoch: string }>

/**
 * The virtual keys of tokens, each with its organisation's epoch, all of one snapshot; by digest in base64. `tampered`
 * stands for a row that is not ours.
 */
export async function findVirtualKeysByDigest(
  db: Db,
  ring: SecretRing,
  digests: Buffer[],
): Promise<ReadonlyMap<string, FoundVirtualKey | 'tampered'>> {
  const rows = await db
    .selectFrom('virtual_keys')
    .innerJoin('organisations', 'organisations.id', 'virtual_keys.org_id')
    .selectAll('virtual_keys')
    .select('organisations.epoch')
    .where((eb) => eb('virtual_keys.digest', '=', eb.fn.any(eb.val(digests))))
    .execute()
  return judgedByDigest(rows, (row) => ({ virtualKey: virtualKeyOf(ring, row), epoch: row.epoch }))
}

export async function listVirtualKeys(
  db: Db,
  ring: SecretRing,
  orgId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<Judged<VirtualKey>[]> {
  let query = db
    .selectFrom('virtual_keys')
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId)
  return judgedRows(await query.execute(), (row) => virtualKeyOf(ring, row))
}

/** The newest virtual keys of all organisations, of whatever state. */
export async function newestVirtualKeys(
  db: Db,
  ring: SecretRing,
  limit: number,
): Promise<Judged<VirtualKey>[]> {
  const rows = await db.selectFrom('virtual_keys').selectAll().orderBy('id', 'desc').limit(limit).execute()
  return judgedRows(rows, (row) => virtualKeyOf(ring, row))
}

export async function insertVirtualKey(db: Db, ring: SecretRing, virtualKey: VirtualKey): Promise<void> {
  const columns = virtualKeyColumns(virtualKey)
  await db
    .insertInto('virtual_keys')
    .values({ ...columns, mac: rowMac(ring, 'virtual_keys', columns) })
    .execute()
}

/** Replaces `before` by `after` in one statement. @throws {AccessError} `virtual_key_changed_meanwhile` */
export async function replaceVirtualKey(
  db: Db,
  ring: SecretRing,
  before: VirtualKey,
  after: VirtualKey,
): Promise<void> {
  const columns = virtualKeyColumns(after)
  const result = await db
    .updateTable('virtual_keys')
    .set({ ...columns, mac: rowMac(ring, 'virtual_keys', columns) })
    .where('org_id', '=', before.orgId)
    .where('id', '=', before.id)
    .where('mac', 'in', rowMacs(ring, 'virtual_keys', virtualKeyColumns(before)))
    .executeTakeFirst()
  if (result.numUpdatedRows !== 1n) throw changedMeanwhile()
}

/**
 * Puts a {@link buriedToken}, of no scope, in the place of a row that is not ours.
 * @throws {AccessError} `virtual_key_changed_meanwhile` where the row is gone, or is ours.
 */
export async function buryVirtualKey(
  db: Db,
  ring: SecretRing,
  buried: { orgId: string; id: string; at: Date },
): Promise<VirtualKey> {
  const found = await db
    .selectFrom('virtual_keys')
    .selectAll()
    .where('org_id', '=', buried.orgId)
    .where('id', '=', buried.id)
    .forUpdate()
    .executeTakeFirst()
  const row = onlyIfTampered(found, (genuine) => virtualKeyOf(ring, genuine))
  if (row === undefined) throw changedMeanwhile()
  const virtualKey: VirtualKey = { ...buriedToken(row, buried.at), targetIds: [], models: [] }
  const columns = virtualKeyColumns(virtualKey)
  await db
    .updateTable('virtual_keys')
    .set({ ...columns, mac: rowMac(ring, 'virtual_keys', columns) })
    .where('org_id', '=', row.org_id)
    .where('id', '=', row.id)
    .execute()
  return virtualKey
}

function changedMeanwhile(): AccessError {
  return new AccessError(
    'virtual_key_changed_meanwhile',
    'The virtual key was changed by somebody else at the same time: read it again and repeat.',
  )
}

/** Which of these ids are targets of the organisation. */
export async function existingTargetIds(db: Db, orgId: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .selectFrom('targets')
    .select('id')
    .where('org_id', '=', orgId)
    .where('id', 'in', [...ids])
    .execute()
  return new Set(rows.map((row) => row.id))
}

/** Those of `ids` that are revoked, or gone: for calls under way, whatever the organisation. */
export async function findRevokedVirtualKeys(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('virtual_keys')
    .select('id')
    .where((eb) => eb('id', '=', eb.fn.any(eb.val([...ids]))))
    .where('revoked_at', 'is', null)
    .execute()
  const kept = new Set(rows.map((row) => row.id))
  return ids.filter((id) => !kept.has(id))
}
