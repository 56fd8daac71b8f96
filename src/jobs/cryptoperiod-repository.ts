import { sql } from 'kysely'
import type { Db } from '#db/database.ts'
import { agedKinds, type AgedKind, type Edges } from './aged.ts'

type OfKek = Readonly<{ id: string; orgId: string }>

/** How many DEKs the ledger says that a KEK has wrapped. By the index `ledger_entries_of_wraps`: 30,000 take some 20 ms. */
export async function countWraps(db: Db, kek: OfKek): Promise<number> {
  const { wraps } = await db
    .selectFrom('ledger_entries')
    .select((eb) => eb.fn.coalesce(eb.fn.sum<string>('wraps'), sql<string>`0`).as('wraps'))
    .where('kek_id', '=', kek.id)
    .where('org_id', '=', kek.orgId)
    .where('wraps', 'is not', null)
    .executeTakeFirstOrThrow()
  return Number(wraps)
}

/** Of one kind: how many there are, how many of them are due and not yet overdue, and overdue, and since when the oldest. */
export type AgeCounts = Readonly<{ total: number; due: number; overdue: number; oldestSince: Date | null }>

/** What is under a KEK now, by kind. */
export async function countAges(
  db: Db,
  kek: OfKek,
  edges: Readonly<Record<AgedKind, Edges | null>>,
): Promise<Record<AgedKind, AgeCounts>> {
  const kinds = agedKinds.map((kind) => {
    const { due = null, overdue = null } = edges[kind] ?? {}
    return sql`(${kind}, ${sql.ref(kind)}, ${due}::timestamptz, ${overdue}::timestamptz)`
  })
  const { rows } = await sql<{
    kind: AgedKind
    total: string
    due: string
    overdue: string
    oldest: Date | null
  }>`
    SELECT kind,
           count(since) AS total,
           count(*) FILTER (WHERE since <= due AND since > overdue) AS due,
           count(*) FILTER (WHERE since <= overdue) AS overdue,
           min(since) AS oldest
    FROM ${datesUnder(kek)}
    CROSS JOIN LATERAL (VALUES ${sql.join(kinds)}) AS aged (kind, since, due, overdue)
    GROUP BY kind
  `.execute(db)
  const of = (kind: AgedKind): AgeCounts => {
    const row = rows.find((one) => one.kind === kind)
    if (row === undefined) return { total: 0, due: 0, overdue: 0, oldestSince: null }
    const { total, due, overdue, oldest } = row
    return { total: Number(total), due: Number(due), overdue: Number(overdue), oldestSince: oldest }
  }
  return { wrap: of('wrap'), dek: of('dek'), credential: of('credential') }
}

/** Targets with anything that dates from an edge `due` or from before, by id, with the oldest of each kind; up to `limit + 1`. */
export async function findAgedRecords(
  db: Db,
  kek: OfKek,
  edges: Readonly<Record<AgedKind, Edges | null>>,
  page: { afterId: string | undefined; limit: number },
): Promise<{ targetId: string; name: string; oldest: Record<AgedKind, Date | null> }[]> {
  const isDue = agedKinds.flatMap((kind) => {
    const due = edges[kind]?.due
    return due === undefined ? [] : [sql<boolean>`${sql.ref(kind)} <= ${due}`]
  })
  if (isDue.length === 0) return []
  const isAfter = page.afterId === undefined ? sql`true` : sql`target_id > ${page.afterId}`
  const { rows } = await sql<{ target_id: string; name: string } & Record<AgedKind, Date | null>>`
    SELECT target_id, name, min(wrap) AS wrap, min(dek) AS dek, min(credential) AS credential
    FROM ${datesUnder(kek)}
    WHERE ${isAfter} AND (${sql.join(isDue, sql` OR `)})
    GROUP BY target_id, name
    ORDER BY target_id
    LIMIT ${page.limit + 1}
  `.execute(db)
  return rows.map(({ target_id, name, ...oldest }) => ({ targetId: target_id, name, oldest }))
}

/**
 * Every version under a KEK, with the moments that its ages count from: null of the credential where another version is
 * in use. By the index `credentials_by_kek`: 10,000 targets of two versions take some 50 ms to count, a page of those due
 * 10 ms.
 */
function datesUnder({ id, orgId }: OfKek) {
  return sql`(
    SELECT credentials.target_id, targets.name, credentials.wrapped_at AS wrap, credentials.dek_created_at AS dek,
           CASE WHEN credentials.generation = targets.generation THEN credentials.created_at END AS credential
    FROM credentials
    JOIN targets ON targets.org_id = credentials.org_id AND targets.id = credentials.target_id
    WHERE credentials.org_id = ${orgId} AND credentials.kek_id = ${id}
  ) AS dates`
}
