import type { Db } from '#db/database.ts'
import {
  assertRowMac,
  genuineRows,
  judgedByDigest,
  judgedRows,
  onlyIfTampered,
  type Judged,
} from '#integrity/assert-row-mac.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { AccessError } from './access-error.ts'
import type { AdminToken } from './admin-token.ts'
import { buriedToken } from './buried-token.ts'

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

/** The admin tokens of these digests, by digest in base64; `tampered` stands for a row that is not ours. */
export async function findAdminTokensByDigest(
  db: Db,
  ring: SecretRing,
  digests: Buffer[],
): Promise<ReadonlyMap<string, AdminToken | 'tampered'>> {
  const rows = await db
    .selectFrom('admin_tokens')
    .selectAll()
    .where((eb) => eb('digest', '=', eb.fn.any(eb.val(digests))))
    .execute()
  return judgedByDigest(rows, (row) => adminTokenOf(ring, row))
}

export async function listAdminTokens(
  db: Db,
  ring: SecretRing,
  orgId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<Judged<AdminToken>[]> {
  let query = db
    .selectFrom('admin_tokens')
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId)
  return judgedRows(await query.execute(), (row) => adminTokenOf(ring, row))
}

/** The newest admin tokens of all organisations, of whatever state. */
export async function newestAdminTokens(
  db: Db,
  ring: SecretRing,
  limit: number,
): Promise<Judged<AdminToken>[]> {
  const rows = await db.selectFrom('admin_tokens').selectAll().orderBy('id', 'desc').limit(limit).execute()
  return judgedRows(rows, (row) => adminTokenOf(ring, row))
}

/**
 * Every usable token of an organisation, locked: the last one may not be revoked away. A row that is not ours opens
 * nothing, and does not count.
 */
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
  return genuineRows(
    rows,
    (row) => adminTokenOf(ring, row),
    () => {},
  )
}

/** Puts a {@link buriedToken} in the place of a row that is not ours. @returns undefined where there is no such row. */
export async function buryAdminToken(
  db: Db,
  ring: SecretRing,
  buried: { orgId: string; id: string; at: Date },
): Promise<AdminToken | undefined> {
  const found = await db
    .selectFrom('admin_tokens')
    .selectAll()
    .where('org_id', '=', buried.orgId)
    .where('id', '=', buried.id)
    .forUpdate()
    .executeTakeFirst()
  const row = onlyIfTampered(found, (genuine) => adminTokenOf(ring, genuine))
  if (row === undefined) return undefined
  const token = buriedToken(row, buried.at)
  const columns = adminTokenColumns(token)
  await db
    .updateTable('admin_tokens')
    .set({ ...columns, mac: rowMac(ring, 'admin_tokens', columns) })
    .where('org_id', '=', row.org_id)
    .where('id', '=', row.id)
    .execute()
  return token
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
