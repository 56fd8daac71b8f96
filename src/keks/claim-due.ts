import type { Db } from '#db/database.ts'

/** When what is done to a KEK at intervals comes next. */
type Due = 'next_probe_at' | 'next_verification_at'

/** One KEK that this node works on until `leasedUntil`. */
export type Claim = Readonly<{ orgId: string; kekId: string; leasedUntil: Date }>

/** Takes up to `limit` KEKs that are due and moves each on by its lease, so that only one node works on it. */
export async function claimDue(
  db: Db,
  due: Due,
  now: Date,
  leaseMs: number,
  limit: number,
): Promise<Claim[]> {
  const leasedUntil = new Date(now.getTime() + leaseMs)
  const rows = await db
    .updateTable('kek_probes')
    .set(due, leasedUntil)
    .where('kek_id', 'in', (eb) =>
      eb
        .selectFrom('kek_probes')
        .select('kek_id')
        .where(due, '<=', now)
        .orderBy(due)
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returning(['org_id', 'kek_id'])
    .execute()
  return rows.map((row) => ({ orgId: row.org_id, kekId: row.kek_id, leasedUntil }))
}
