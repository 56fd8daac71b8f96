import type { Db } from '#db/database.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import { assertRowMac } from '#integrity/assert-row-mac.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { AccessError } from './access-error.ts'
import type { AdminToken } from './admin-token.ts'
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

/** The virtual key of a token with its organisation's epoch, both of one snapshot. */
export async function findVirtualKeyByDigest(
  db: Db,
  ring: SecretRing,
  digests: Buffer[],
): Promise<{ virtualKey: VirtualKey; epoch: string } | undefined> {
  const row = await db
    .selectFrom('virtual_keys')
    .innerJoin('organisations', 'organisations.id', 'virtual_keys.org_id')
    .selectAll('virtual_keys')
    .select('organisations.epoch')
    .where('virtual_keys.digest', 'in', digests)
    .executeTakeFirst()
  return row === undefined ? undefined : { virtualKey: virtualKeyOf(ring, row), epoch: row.epoch }
}

export async function listVirtualKeys(
  db: Db,
  ring: SecretRing,
  orgId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<VirtualKey[]> {
  let query = db
    .selectFrom('virtual_keys')
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId)
  const rows = await query.execute()
  return rows.map((row) => virtualKeyOf(ring, row))
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
  if (result.numUpdatedRows !== 1n) {
    throw new AccessError(
      'virtual_key_changed_meanwhile',
      'The virtual key was changed by somebody else at the same time: read it again and repeat.',
    )
  }
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

function adminTokenColumns(token: AdminToken) {
  return {
    id: token.id,
    org_id: token.orgId,
    name: token.name,
    digest: token.digest,
    hint: token.hint,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    revoked_at: token.revokedAt,
  }
}

function adminTokenOf(
  ring: SecretRing,
  row: ReturnType<typeof adminTokenColumns> & { mac: Buffer },
): AdminToken {
  const token: AdminToken = {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    digest: row.digest,
    hint: row.hint,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
  assertRowMac(ring, 'admin_tokens', adminTokenColumns(token), row.mac)
  return token
}

export async function findAdminTokenByDigest(
  db: Db,
  ring: SecretRing,
  digests: Buffer[],
): Promise<AdminToken | undefined> {
  const row = await db
    .selectFrom('admin_tokens')
    .selectAll()
    .where('digest', 'in', digests)
    .executeTakeFirst()
  return row === undefined ? undefined : adminTokenOf(ring, row)
}

export async function listAdminTokens(
  db: Db,
  ring: SecretRing,
  orgId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<AdminToken[]> {
  let query = db
    .selectFrom('admin_tokens')
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId)
  const rows = await query.execute()
  return rows.map((row) => adminTokenOf(ring, row))
}

/** Every usable token of an organisation, locked: the last one may not be revoked away. */
export async function lockUsableAdminTokens(
  db: Db,
  ring: SecretRing,
  orgId: string,
  now: Date,
): Promise<AdminToken[]> {
  const rows = await db
    .selectFrom('admin_tokens')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('revoked_at', 'is', null)
    .where((either) => either.or([either('expires_at', 'is', null), either('expires_at', '>', now)]))
    .forUpdate()
    .execute()
  return rows.map((row) => adminTokenOf(ring, row))
}

export async function insertAdminToken(db: Db, ring: SecretRing, token: AdminToken): Promise<void> {
  const columns = adminTokenColumns(token)
  await db
    .insertInto('admin_tokens')
    .values({ ...columns, mac: rowMac(ring, 'admin_tokens', columns) })
    .execute()
}

export async function replaceAdminToken(
  db: Db,
  ring: SecretRing,
  before: AdminToken,
  after: AdminToken,
): Promise<void> {
  const columns = adminTokenColumns(after)
  const result = await db
    .updateTable('admin_tokens')
    .set({ ...columns, mac: rowMac(ring, 'admin_tokens', columns) })
    .where('org_id', '=', before.orgId)
    .where('id', '=', before.id)
    .where('mac', 'in', rowMacs(ring, 'admin_tokens', adminTokenColumns(before)))
    .executeTakeFirst()
  if (result.numUpdatedRows !== 1n)
    throw new AccessError('admin_token_not_found', 'There is no such admin token in your organisation.')
}

export async function insertOrganisation(db: Db, organisation: { id: string; name: string }): Promise<void> {
  try {
    await db.insertInto('organisations').values(organisation).execute()
  } catch (error) {
    if (violatedConstraint(error) !== 'organisations_name_key') throw error
    throw new AccessError('organisation_name_taken', 'There is an organisation of this name already.')
  }
}

export async function findOrganisation(
  db: Db,
  orgId: string,
): Promise<{ id: string; name: string; createdAt: Date }> {
  const row = await db
    .selectFrom('organisations')
    .select(['id', 'name', 'created_at'])
    .where('id', '=', orgId)
    .executeTakeFirst()
  if (row === undefined) throw new AccessError('organisation_not_found', 'There is no such organisation.')
  return { id: row.id, name: row.name, createdAt: row.created_at }
}

/** Whether any organisation exists yet: the first start makes one. */
export async function hasOrganisations(db: Db): Promise<boolean> {
  return (await db.selectFrom('organisations').select('id').limit(1).executeTakeFirst()) !== undefined
}

/** The organisation's present epoch. */
export async function readEpoch(db: Db, orgId: string): Promise<string> {
  const row = await db.selectFrom('organisations').select('epoch').where('id', '=', orgId).executeTakeFirst()
  if (row === undefined) throw new AccessError('organisation_not_found', 'There is no such organisation.')
  return row.epoch
}
