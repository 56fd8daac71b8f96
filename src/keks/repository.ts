import type { Db } from '#db/database.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { rowMac, rowMacs } from '#integrity/row-mac.ts'
import {
  assertRowMac,
  genuineRows,
  judgedRows,
  onlyIfTampered,
  type Judged,
} from '#integrity/assert-row-mac.ts'
import type { Kek, KekAccess } from './kek.ts'
import { KekError } from './kek-error.ts'

const table = 'keks'

/** Columns as they are authenticated: every one but `mac` itself. */
function columnsOf(kek: Kek, provider: string = kek.access.provider) {
  return {
    id: kek.id,
    org_id: kek.orgId,
    name: kek.name,
    provider,
    kek_ref: kek.kekRef,
    access: kek.access,
    unwrap_mode: kek.unwrapMode,
    cache_ceiling_ms: kek.cacheCeilingMs,
    cache_uses_max: kek.cacheUsesMax,
    stream_rule: kek.streamRule,
    probe_interval_ms: kek.probeIntervalMs,
    protection_rule: kek.protectionRule,
    protection: kek.protection,
    wrap_age_days_max: kek.wrapAgeDaysMax,
    dek_age_days_max: kek.dekAgeDaysMax,
    credential_age_days_max: kek.credentialAgeDaysMax,
    wraps_max: kek.wrapsMax,
    state: kek.state,
    state_reason: kek.stateReason,
    state_changed_at: kek.stateChangedAt,
    canary: kek.canary,
    created_at: kek.createdAt,
  }
}

type KekRow = Awaited<ReturnType<typeof selectKek>>

function selectKek(db: Db, orgId: string, kekId: string) {
  return db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', kekId)
    .executeTakeFirst()
}

/** A row becomes a Kek only if its mac holds. */
function kekOf(ring: SecretRing, row: NonNullable<KekRow>): Kek {
  const kek: Kek = {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    kekRef: row.kek_ref,
    // The shape was checked when it was written, and the mac below proves that nobody wrote it since.
    access: row.access as KekAccess,
    unwrapMode: row.unwrap_mode as Kek['unwrapMode'],
    cacheCeilingMs: row.cache_ceiling_ms,
    cacheUsesMax: row.cache_uses_max,
    streamRule: row.stream_rule as Kek['streamRule'],
    probeIntervalMs: row.probe_interval_ms,
    protectionRule: row.protection_rule as Kek['protectionRule'],
    protection: row.protection as Kek['protection'],
    wrapAgeDaysMax: row.wrap_age_days_max,
    dekAgeDaysMax: row.dek_age_days_max,
    credentialAgeDaysMax: row.credential_age_days_max,
    wrapsMax: row.wraps_max,
    state: row.state as Kek['state'],
    stateReason: row.state_reason,
    stateChangedAt: row.state_changed_at,
    canary: row.canary,
    createdAt: row.created_at,
  }
  // `access` is whatever stands there until the mac has proven it.
  assertRowMac(ring, table, columnsOf(kek, row.provider), row.mac)
  return kek
}

/** @throws {KekError} `kek_not_found` also for another organisation's KEK: it does not exist for this one. */
export async function findKek(db: Db, ring: SecretRing, orgId: string, kekId: string): Promise<Kek> {
  const row = await selectKek(db, orgId, kekId)
  if (row === undefined)
    throw new KekError('kek_not_found', 'There is no KEK with this id in your organisation.')
  return kekOf(ring, row)
}

/** Every KEK of one organisation whose row is ours; the id of any other goes to `onTampered`. */
export async function findKeksOfOrg(
  db: Db,
  ring: SecretRing,
  orgId: string,
  onTampered: (kekId: string) => void,
): Promise<Kek[]> {
  const rows = await db.selectFrom(table).selectAll().where('org_id', '=', orgId).execute()
  return genuineRows(
    rows,
    (row) => kekOf(ring, row),
    (row) => onTampered(row.id),
  )
}

/** A page of KEKs by id (which is time-ordered), at most `limit + 1` so that the caller knows of a next page. */
export async function listKeks(
  db: Db,
  ring: SecretRing,
  orgId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<Judged<Kek>[]> {
  let query = db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId)
  return judgedRows(await query.execute(), (row) => kekOf(ring, row))
}

export async function insertKek(db: Db, ring: SecretRing, kek: Kek): Promise<void> {
  const columns = columnsOf(kek)
  try {
    await db
      .insertInto(table)
      .values({ ...columns, access: JSON.stringify(kek.access), mac: rowMac(ring, table, columns) })
      .execute()
  } catch (error) {
    throw conflictOf(error)
  }
  await db
    .insertInto('kek_probes')
    .values({ kek_id: kek.id, org_id: kek.orgId, next_probe_at: kek.createdAt })
    .execute()
}

/**
 * Replaces `before` by `after` in one statement: the old row's mac stands for all its columns, so nothing that
 * changed meanwhile is overwritten.
 * @throws {KekError} `kek_changed_meanwhile` if the row is no longer `before`.
 */
export async function replaceKek(db: Db, ring: SecretRing, before: Kek, after: Kek): Promise<void> {
  const columns = columnsOf(after)
  try {
    const result = await db
      .updateTable(table)
      .set({ ...columns, access: JSON.stringify(after.access), mac: rowMac(ring, table, columns) })
      .where('org_id', '=', before.orgId)
      .where('id', '=', before.id)
      .where('mac', 'in', rowMacs(ring, table, columnsOf(before)))
      .executeTakeFirst()
    if (result.numUpdatedRows !== 1n) throw changedMeanwhile()
  } catch (error) {
    throw conflictOf(error)
  }
}

/**
 * Puts a deactivated KEK in the place of a row that is not ours. Nothing of that row stays but its id: its name may be a
 * forger's words.
 * @throws {KekError} `kek_changed_meanwhile` where the row is gone, or is ours.
 */
export async function buryKek(
  db: Db,
  ring: SecretRing,
  buried: { orgId: string; kekId: string; at: Date },
): Promise<Kek> {
  const found = await selectKek(db, buried.orgId, buried.kekId)
  const row = onlyIfTampered(found, (genuine) => kekOf(ring, genuine))
  if (row === undefined) throw changedMeanwhile()
  const kek: Kek = {
    id: row.id,
    orgId: row.org_id,
    name: `tampered-${row.id}`,
    kekRef: 'tampered',
    access: { provider: 'local', fileId: 'tampered' },
    unwrapMode: 'strict',
    cacheCeilingMs: 0,
    cacheUsesMax: 1,
    streamRule: 'cut',
    probeIntervalMs: 0,
    protectionRule: 'any',
    protection: null,
    wrapAgeDaysMax: null,
    dekAgeDaysMax: null,
    credentialAgeDaysMax: null,
    wrapsMax: null,
    state: 'deactivated',
    stateReason: 'row-tampered',
    stateChangedAt: buried.at,
    canary: null,
    createdAt: buried.at,
  }
  const columns = columnsOf(kek)
  await db
    .updateTable(table)
    .set({ ...columns, access: JSON.stringify(kek.access), mac: rowMac(ring, table, columns) })
    .where('org_id', '=', row.org_id)
    .where('id', '=', row.id)
    .execute()
  return kek
}

/**
 * The KEK of this organisation that stands for the same key and is not retired; at most one does. `record` is null where
 * the row is not ours.
 */
export async function findKekOfKey(
  db: Db,
  ring: SecretRing,
  orgId: string,
  key: Readonly<{ provider: string; kekRef: string }>,
): Promise<Judged<Kek> | undefined> {
  const row = await db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .where('provider', '=', key.provider)
    .where('kek_ref', '=', key.kekRef)
    .where('state', 'not in', ['deactivated', 'destroyed'])
    .limit(1)
    .executeTakeFirst()
  return judgedRows(row === undefined ? [] : [row], (genuine) => kekOf(ring, genuine))[0]
}

/** Ids of the targets, oldest first, that have a credential, present or former, which this KEK still wraps. */
export async function targetsSealedUnder(db: Db, orgId: string, kekId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('targets')
    .select('id')
    .where('org_id', '=', orgId)
    .where('id', 'in', (sealed) =>
      sealed
        .selectFrom('credentials')
        .select('target_id')
        .where('org_id', '=', orgId)
        .where('kek_id', '=', kekId),
    )
    .orderBy('id')
    .execute()
  return rows.map((row) => row.id)
}

function changedMeanwhile(): KekError {
  return new KekError(
    'kek_changed_meanwhile',
    'The KEK was changed by somebody else at the same time: read it again and repeat.',
  )
}

function conflictOf(error: unknown): unknown {
  switch (violatedConstraint(error)) {
    case 'keks_named_once':
      return new KekError('kek_name_taken', 'Your organisation has a KEK of this name: choose another.')
    case 'keks_claimed_once':
      return new KekError(
        'kek_already_claimed',
        'This key is in use as a KEK already. One key serves one KEK of one organisation.',
      )
    default:
      return error
  }
}

/** Which of these KEKs may not be used now. Their macs are not asked: cutting one call too many does no harm. */
export async function findUnusableKeks(db: Db, kekIds: readonly string[]): Promise<string[]> {
  if (kekIds.length === 0) return []
  const rows = await db
    .selectFrom(table)
    .select('id')
    .where('id', 'in', [...kekIds])
    .where('state', '<>', 'active')
    .execute()
  return rows.map((row) => row.id)
}
