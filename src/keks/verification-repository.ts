import type { Db } from '#db/database.ts'
import { assertRowMac, genuineRows, judgedRows, type Judged } from '#integrity/assert-row-mac.ts'
import type { JsonObject } from '#integrity/canonical-json.ts'
import { rowMac } from '#integrity/row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { VerificationEvidence, VerificationRecord } from './verification.ts'

const table = 'kek_verifications'

function columnsOf(record: VerificationRecord) {
  return {
    id: record.id,
    org_id: record.orgId,
    kek_id: record.kekId,
    verified_at: record.verifiedAt,
    actor: record.actor,
    verdict: record.verdict,
    evidence: evidenceOf(record),
  }
}

function evidenceOf({ checks, findings, probes }: VerificationEvidence): JsonObject {
  return {
    checks: checks.map((one) => ({ ...one })),
    findings: findings.map((one) => ({ ...one })),
    probes: probes.map((one) => ({ ...one })),
  }
}

type Row = Awaited<ReturnType<ReturnType<typeof selectOf>['execute']>>[number]

function selectOf(db: Db, of: { orgId: string; kekId: string }, limit: number) {
  return db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', of.orgId)
    .where('kek_id', '=', of.kekId)
    .orderBy('id', 'desc')
    .limit(limit)
}

function recordOf(ring: SecretRing, row: Row): VerificationRecord {
  // Its shape was checked when it was written, and the mac below proves that nobody wrote it since.
  const evidence = row.evidence as unknown as VerificationEvidence
  const record: VerificationRecord = {
    id: row.id,
    orgId: row.org_id,
    kekId: row.kek_id,
    verifiedAt: row.verified_at,
    actor: row.actor,
    verdict: row.verdict as VerificationRecord['verdict'],
    ...evidence,
  }
  const { evidence: _, mac, ...columns } = row
  assertRowMac(ring, table, { ...columns, evidence: row.evidence as JsonObject }, mac)
  return record
}

export async function insertVerification(
  db: Db,
  ring: SecretRing,
  record: VerificationRecord,
): Promise<void> {
  const columns = columnsOf(record)
  await db
    .insertInto(table)
    .values({
      ...columns,
      evidence: JSON.stringify(columns.evidence),
      mac: rowMac(ring, table, columns),
    })
    .execute()
}

/** Of each verdict of a KEK: so that no outage, told again every hour, drives out what was learnt before it. */
const keptMax = 100

/** Deletes the verifications of this KEK and verdict beyond the newest. */
export async function deleteSurplusVerifications(
  db: Db,
  { orgId, kekId, verdict }: Pick<VerificationRecord, 'orgId' | 'kekId' | 'verdict'>,
): Promise<void> {
  await db
    .deleteFrom(table)
    .where('id', 'in', (surplus) =>
      surplus
        .selectFrom(table)
        .select('id')
        .where('org_id', '=', orgId)
        .where('kek_id', '=', kekId)
        .where('verdict', '=', verdict)
        .orderBy('id', 'desc')
        .offset(keptMax),
    )
    .execute()
}

/** A KEK's verifications, newest first; at most `limit + 1` so that the caller knows of a next page. */
export async function listVerifications(
  db: Db,
  ring: SecretRing,
  of: { orgId: string; kekId: string },
  page: { beforeId: string | undefined; limit: number },
): Promise<Judged<VerificationRecord>[]> {
  let query = selectOf(db, of, page.limit + 1)
  if (page.beforeId !== undefined) query = query.where('id', '<', page.beforeId)
  return judgedRows(await query.execute(), (row) => recordOf(ring, row))
}

const lookedBackMax = 10

/** The last verification that learnt something, whatever came to nothing since; undefined where there is none. */
export async function findLastVerdict(
  db: Db,
  ring: SecretRing,
  of: { orgId: string; kekId: string },
): Promise<VerificationRecord | undefined> {
  const rows = await selectOf(db, of, lookedBackMax).where('verdict', '<>', 'unknown').execute()
  // One that is not ours stands for nothing: then the one before it.
  const [last] = genuineRows(
    rows,
    (row) => recordOf(ring, row),
    () => {},
  )
  return last
}

/** When the KEK is verified next; null for never. */
export async function scheduleVerification(
  db: Db,
  of: { orgId: string; kekId: string },
  at: Date | null,
): Promise<void> {
  await db
    .updateTable('kek_probes')
    .set({ next_verification_at: at })
    .where('org_id', '=', of.orgId)
    .where('kek_id', '=', of.kekId)
    .execute()
}

/** Whether another KEK, of whichever organisation, has this key in use. */
export async function isClaimedElsewhere(
  db: Db,
  kek: { id: string; kekRef: string; access: { provider: string } },
): Promise<boolean> {
  const other = await db
    .selectFrom('keks')
    .select('id')
    .where('provider', '=', kek.access.provider)
    .where('kek_ref', '=', kek.kekRef)
    .where('id', '<>', kek.id)
    .where('state', 'in', ['active', 'suspended'])
    .executeTakeFirst()
  return other !== undefined
}

/** The customer's own log was seen to hold a call of ours. */
export async function noteLogSeen(
  db: Db,
  of: { orgId: string; kekId: string },
  seen: { at: Date; kmsRequestId: string },
): Promise<void> {
  await db
    .updateTable('kek_probes')
    .set({ log_seen_at: seen.at, log_seen_request_id: seen.kmsRequestId })
    .where('org_id', '=', of.orgId)
    .where('kek_id', '=', of.kekId)
    .execute()
}

export async function findLogSeen(db: Db, of: { orgId: string; kekId: string }): Promise<Date | null> {
  const row = await db
    .selectFrom('kek_probes')
    .select('log_seen_at')
    .where('org_id', '=', of.orgId)
    .where('kek_id', '=', of.kekId)
    .executeTakeFirst()
  return row?.log_seen_at ?? null
}
