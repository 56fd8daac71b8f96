import type { Db } from '#db/database.ts'
import { adminTokenIdOf } from './actor.ts'
import { bodyOf, type LedgerEntry } from './entry.ts'
import { LedgerError } from './ledger-error.ts'
import { lockOrganisation } from './lock-organisation.ts'

/**
 * Appends one entry in the caller's transaction, so that it commits with the change that it tells of or not at
 * all. An entry of an admin token is written only while that token may be used: whoever asked for a change, and lost
 * the token before it could commit, changes nothing. The organisation's row is held from here to the commit, so that
 * no revocation of the token commits in between.
 * @throws {LedgerError} `organisation_not_found`, `actor_gone`
 */
export async function appendEntry(trx: Db, entry: LedgerEntry): Promise<void> {
  // A statement of its own: the next one then sees what the lock was waited for.
  if (adminTokenIdOf(entry.actor) !== null) await lockOrganisation(trx, entry.orgId)
  if (await insertEntry(trx, entry)) return
  throw await refusalOf(trx, entry)
}

/**
 * Appends one entry unless something of the organisation changed since `epoch`; durable when it resolves outside of a
 * transaction. A change that is being committed is waited for, so that no entry lands beside it.
 * @throws {LedgerError} `organisation_not_found`, `actor_gone`
 */
export async function appendEntryUnder(
  db: Db,
  entry: LedgerEntry,
  epoch: string,
): Promise<'committed' | 'stale'> {
  if (await insertEntry(db, entry, epoch)) return 'committed'
  const present = await findEpoch(db, entry.orgId)
  if (present !== undefined && present !== epoch) return 'stale'
  throw await refusalOf(db, entry)
}

/** @returns whether the organisation, its epoch where one is given, and the actor are such that it was written. */
async function insertEntry(db: Db, entry: LedgerEntry, epoch?: string): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('ledger_entries')
    .columns([
      'org_id',
      'entry_id',
      'kind',
      'occurred_at',
      'kek_id',
      'target_id',
      'virtual_key_id',
      'receipt_id',
      'body',
    ])
    // Selecting from organisations is what a foreign key would check (migrations/0001-foundation.ts).
    .expression((eb) => {
      let organisation = eb
        .selectFrom('organisations')
        .where('id', '=', entry.orgId)
        .select([
          'id',
          eb.val(entry.entryId).as('entry_id'),
          eb.val(entry.kind).as('kind'),
          eb.val(entry.occurredAt).as('occurred_at'),
          eb.val(entry.kekId ?? null).as('kek_id'),
          eb.val(entry.targetId ?? null).as('target_id'),
          eb.val(entry.virtualKeyId ?? null).as('virtual_key_id'),
          eb.val(entry.receiptId ?? null).as('receipt_id'),
          eb.val(bodyOf(entry)).as('body'),
        ])
      if (epoch !== undefined) organisation = organisation.where('epoch', '=', epoch).forShare()
      const adminTokenId = adminTokenIdOf(entry.actor)
      if (adminTokenId === null) return organisation
      return organisation.where((token) =>
        token.exists(
          token
            .selectFrom('admin_tokens')
            .select('admin_tokens.id')
            .where('admin_tokens.id', '=', adminTokenId)
            .where('admin_tokens.org_id', '=', entry.orgId)
            .where('admin_tokens.revoked_at', 'is', null)
            .where((either) =>
              either.or([
                either('admin_tokens.expires_at', 'is', null),
                either('admin_tokens.expires_at', '>', entry.occurredAt),
              ]),
            ),
        ),
      )
    })
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

async function refusalOf(db: Db, entry: LedgerEntry): Promise<LedgerError> {
  if ((await findEpoch(db, entry.orgId)) === undefined) {
    return new LedgerError('organisation_not_found', 'The ledger has no such organisation.')
  }
  return new LedgerError(
    'actor_gone',
    'This admin token was revoked, or expired, before the change could be made: nothing was changed.',
  )
}

async function findEpoch(db: Db, orgId: string): Promise<string | undefined> {
  const row = await db.selectFrom('organisations').select('epoch').where('id', '=', orgId).executeTakeFirst()
  return row?.epoch
}
