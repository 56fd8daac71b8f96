import type { Db } from '#db/database.ts'
import { assertRowMac } from '#integrity/assert-row-mac.ts'
import { rowMac } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { inProgress, type IdempotencyRecord } from './record.ts'

const table = 'idempotency_records'

function columnsOf(record: IdempotencyRecord) {
  return {
    org_id: record.orgId,
    idempotency_key: record.idempotencyKey,
    request_digest: record.digest,
    attempt: record.attempt,
    status: record.status,
    body: record.body,
    created_at: record.createdAt,
  }
}

function rowOf(ring: SecretRing, record: IdempotencyRecord) {
  const columns = columnsOf(record)
  return { ...columns, mac: rowMac(ring, table, columns) }
}

/** @returns false when the key is taken. */
export async function insertIdempotencyRecord(
  db: Db,
  ring: SecretRing,
  record: IdempotencyRecord,
): Promise<boolean> {
  const result = await db
    .insertInto(table)
    .values(rowOf(ring, record))
    .onConflict((conflict) => conflict.columns(['org_id', 'idempotency_key']).doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

/** @throws {IntegrityError} where the record is not one that this service wrote: what it says is not repeated. */
export async function findIdempotencyRecord(
  db: Db,
  ring: SecretRing,
  { orgId, idempotencyKey }: Pick<IdempotencyRecord, 'orgId' | 'idempotencyKey'>,
): Promise<IdempotencyRecord | undefined> {
  const row = await db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .where('idempotency_key', '=', idempotencyKey)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const record: IdempotencyRecord = {
    orgId: row.org_id,
    idempotencyKey: row.idempotency_key,
    digest: row.request_digest,
    attempt: row.attempt,
    status: row.status,
    body: row.body,
    createdAt: row.created_at,
  }
  assertRowMac(ring, table, columnsOf(record), row.mac)
  return record
}

/**
 * Replaces `before` by `after` while `before` still has the key and is in progress. Waits for a transaction that is
 * about to end it.
 * @returns whether it did.
 */
export async function replaceIdempotencyRecord(
  db: Db,
  ring: SecretRing,
  before: IdempotencyRecord,
  after: IdempotencyRecord,
): Promise<boolean> {
  const result = await db
    .updateTable(table)
    .set(rowOf(ring, after))
    .where('org_id', '=', before.orgId)
    .where('idempotency_key', '=', before.idempotencyKey)
    .where('attempt', '=', before.attempt)
    .where('status', '=', inProgress)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Deletes `record` while it still has the key and is in progress; waits as {@link replaceIdempotencyRecord} does. */
export async function deleteIdempotencyRecord(db: Db, record: IdempotencyRecord): Promise<void> {
  await db
    .deleteFrom(table)
    .where('org_id', '=', record.orgId)
    .where('idempotency_key', '=', record.idempotencyKey)
    .where('attempt', '=', record.attempt)
    .where('status', '=', inProgress)
    .execute()
}

/** Keys are remembered for a day. */
export async function deleteExpiredIdempotencyRecords(db: Db, olderThan: Date): Promise<void> {
  await db.deleteFrom(table).where('created_at', '<', olderThan).execute()
}
