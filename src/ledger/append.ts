import type { Db } from '#db/database.ts'
import { bodyOf, type LedgerEntry } from './entry.ts'
import { LedgerError } from './ledger-error.ts'

/**
 * Appends one entry in the caller's transaction, so that it commits with the change that it tells of or not at
 * all.
 * @throws {LedgerError} `organisation_not_found`
 */
export async function appendEntry(trx: Db, entry: LedgerEntry): Promise<void> {
  const { numInsertedOrUpdatedRows } = await trx
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
    .expression((eb) =>
      eb
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
        ]),
    )
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 1n) return
  throw new LedgerError('organisation_not_found', 'The ledger has no such organisation.')
}
