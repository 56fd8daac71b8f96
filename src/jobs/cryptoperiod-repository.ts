import { sql } from 'kysely'
import type { Db } from '#db/database.ts'

type OfKek = Readonly<{ id: string; orgId: string }>

/**
 * How many DEKs the ledger says that a KEK has wrapped. The kinds are those of the index
 * `ledger_entries_of_wraps`; a verification wraps a canary and a DEK of its own.
 */
export async function countWraps(db: Db, kek: OfKek): Promise<number> {
  const { rows } = await sql<{ wraps: string }>`
    SELECT coalesce(sum(CASE
      WHEN kind IN ('target.rewrapped', 'target.re-encrypted')
        THEN jsonb_array_length(body::jsonb -> 'details' -> 'versions')
      WHEN kind = 'kek.verified' THEN 2
      ELSE 1
    END), 0) AS wraps
    FROM ledger_entries
    WHERE kek_id = ${kek.id} AND org_id = ${kek.orgId}
      AND kind IN ('target.stored', 'target.credential-rotated', 'target.rewrapped', 'target.re-encrypted', 'kek.verified')
  `.execute(db)
  return Number(rows[0]?.wraps ?? 0)
}

/** What is under a KEK now, and how much of it was wrapped until the given moments. */
export async function countWrapped(
  db: Db,
  kek: OfKek,
  { dueSince, overdueSince }: { dueSince: Date | null; overdueSince: Date | null },
): Promise<{ versions: number; versionsDue: number; versionsOverdue: number; oldestWrappedAt: Date | null }> {
  const { rows } = await sql<{ versions: string; due: string; overdue: string; oldest: Date | null }>`
    SELECT count(*) AS versions,
           count(*) FILTER (WHERE wrapped_at <= ${dueSince}) AS due,
           count(*) FILTER (WHERE wrapped_at <= ${overdueSince}) AS overdue,
           min(wrapped_at) AS oldest
    FROM credentials WHERE kek_id = ${kek.id} AND org_id = ${kek.orgId}
  `.execute(db)
  const [row] = rows
  const overdue = Number(row?.overdue ?? 0)
  return {
    versions: Number(row?.versions ?? 0),
    versionsDue: Number(row?.due ?? 0) - overdue,
    versionsOverdue: overdue,
    oldestWrappedAt: row?.oldest ?? null,
  }
}

/** Targets with a version that was wrapped until then, by id. */
export async function findOldRecords(
  db: Db,
  kek: OfKek,
  page: { wrappedUntil: Date; afterId: string | undefined; limit: number },
): Promise<{ targetId: string; name: string; wrappedAt: Date }[]> {
  let query = db
    .selectFrom('credentials')
    .innerJoin('targets', 'targets.id', 'credentials.target_id')
    .select(({ fn }) => [
      'targets.id',
      'targets.name',
      fn.min<Date>('credentials.wrapped_at').as('wrapped_at'),
    ])
    .where('credentials.org_id', '=', kek.orgId)
    .where('credentials.kek_id', '=', kek.id)
    .where('credentials.wrapped_at', '<=', page.wrappedUntil)
    .groupBy(['targets.id', 'targets.name'])
    .orderBy('targets.id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('targets.id', '>', page.afterId)
  const rows = await query.execute()
  return rows.map((row) => ({ targetId: row.id, name: row.name, wrappedAt: row.wrapped_at }))
}
