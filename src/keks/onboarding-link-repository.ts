import type { Db } from '#db/database.ts'
import { assertRowMac, judgedByDigest, judgedRows, type Judged } from '#integrity/assert-row-mac.ts'
import { rowMac } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { OnboardingLink } from './onboarding-link.ts'

const table = 'onboarding_links'

function columnsOf(link: OnboardingLink) {
  return {
    id: link.id,
    org_id: link.orgId,
    kek_id: link.kekId,
    digest: link.digest,
    hint: link.hint,
    created_at: link.createdAt,
    expires_at: link.expiresAt,
    revoked_at: link.revokedAt,
  }
}

function linkOf(ring: SecretRing, row: ReturnType<typeof columnsOf> & { mac: Buffer }): OnboardingLink {
  const link: OnboardingLink = {
    id: row.id,
    orgId: row.org_id,
    kekId: row.kek_id,
    digest: row.digest,
    hint: row.hint,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
  assertRowMac(ring, table, columnsOf(link), row.mac)
  return link
}

export async function insertLink(db: Db, ring: SecretRing, link: OnboardingLink): Promise<void> {
  const columns = columnsOf(link)
  await db
    .insertInto(table)
    .values({ ...columns, mac: rowMac(ring, table, columns) })
    .execute()
}

/** For a link that {@link lockLink} has locked. */
export async function replaceLink(db: Db, ring: SecretRing, after: OnboardingLink): Promise<void> {
  const columns = columnsOf(after)
  await db
    .updateTable(table)
    .set({ ...columns, mac: rowMac(ring, table, columns) })
    .where('org_id', '=', after.orgId)
    .where('id', '=', after.id)
    .execute()
}

export async function lockLink(
  db: Db,
  ring: SecretRing,
  of: { orgId: string; kekId: string; linkId: string },
): Promise<OnboardingLink | undefined> {
  const row = await db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', of.orgId)
    .where('kek_id', '=', of.kekId)
    .where('id', '=', of.linkId)
    .forUpdate()
    .executeTakeFirst()
  return row === undefined ? undefined : linkOf(ring, row)
}

/** The links of these digests, by digest in base64; `tampered` stands for a row that is not ours. */
export async function findLinksByDigest(
  db: Db,
  ring: SecretRing,
  digests: Buffer[],
): Promise<ReadonlyMap<string, OnboardingLink | 'tampered'>> {
  const rows = await db
    .selectFrom(table)
    .selectAll()
    .where((eb) => eb('digest', '=', eb.fn.any(eb.val(digests))))
    .execute()
  return judgedByDigest(rows, (row) => linkOf(ring, row))
}

/** A KEK's links, oldest first; at most `limit + 1` so that the caller knows of a next page. */
export async function listLinks(
  db: Db,
  ring: SecretRing,
  of: { orgId: string; kekId: string },
  page: { afterId: string | undefined; limit: number },
): Promise<Judged<OnboardingLink>[]> {
  let query = db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', of.orgId)
    .where('kek_id', '=', of.kekId)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId)
  return judgedRows(await query.execute(), (row) => linkOf(ring, row))
}
