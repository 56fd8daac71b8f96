import type { Db } from '#db/database.ts'

const table = 'idempotency_records'

type IdempotencyKey = Readonly<{ orgId: string; idempotencyKey: string }>

/** @returns false when the key is taken. */
export async function insertIdempotencyRecord(
  db: Db,
  record: IdempotencyKey & { digest: Buffer; status: number; now: Date },
): Promise<boolean> {
  const result = await db
    .insertInto(table)
    .values({
      org_id: record.orgId,
      idempotency_key: record.idempotencyKey,
      request_digest: record.digest,
      status: record.status,
      body: '{}',
      created_at: record.now,
    })
    .onConflict((conflict) => conflict.columns(['org_id', 'idempotency_key']).doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

export async function findIdempotencyRecord(
  db: Db,
  { orgId, idempotencyKey }: IdempotencyKey,
): Promise<{ digest: Buffer; status: number; body: unknown; createdAt: Date } | undefined> {
  const row = await db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .where('idempotency_key', '=', idempotencyKey)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return { digest: row.request_digest, status: row.status, body: row.body, createdAt: row.created_at }
}

export async function finishIdempotencyRecord(
  db: Db,
  answer: IdempotencyKey & { status: number; body: unknown },
): Promise<void> {
  await db
    .updateTable(table)
    .set({ status: answer.status, body: JSON.stringify(answer.body ?? null) })
    .where('org_id', '=', answer.orgId)
    .where('idempotency_key', '=', answer.idempotencyKey)
    .execute()
}

/** @param createdAt where given, only the record made then. */
export async function deleteIdempotencyRecord(
  db: Db,
  { orgId, idempotencyKey }: IdempotencyKey,
  createdAt?: Date,
): Promise<boolean> {
  let query = db.deleteFrom(table).where('org_id', '=', orgId).where('idempotency_key', '=', idempotencyKey)
  if (createdAt !== undefined) query = query.where('created_at', '=', createdAt)
  const result = await query.executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Keys are remembered for a day. */
export async function deleteExpiredIdempotencyRecords(db: Db, olderThan: Date): Promise<void> {
  await db.deleteFrom(table).where('created_at', '<', olderThan).execute()
}
