import type { Db } from '#db/database.ts'

/**
 * Holds the organisation's row to the end of the transaction, as `recordChange` does, without a new epoch: what it
 * guards happens one after the other, and never beside the revocation of an admin token. A transaction that takes other
 * locks too takes this one first.
 */
export async function lockOrganisation(trx: Db, orgId: string): Promise<void> {
  await trx.selectFrom('organisations').select('id').where('id', '=', orgId).forNoKeyUpdate().execute()
}
