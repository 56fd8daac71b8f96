import { sql } from 'kysely'
import { newId } from '#db/ids.ts'
import type { Db } from '#db/database.ts'
import { appendEntry } from './append.ts'
import type { LedgerEntry } from './entry.ts'

/** Channel on which every node hears that an organisation changed. */
export const changesChannel = 'hasp_changes'

/** What a node learns of a change: whose, since when, and which KEK, target and virtual key it touches. */
export type ChangeNotice = Readonly<{
  orgId: string
  epoch: string
  kind: LedgerEntry['kind']
  kekId: string | null
  targetId: string | null
  virtualKeyId: string | null
}>

/**
 * Writes the ledger entry of a change to what may be lent, in the change's own transaction: raises the
 * organisation's epoch and tells every node on commit. A receipt whose commit begins after this change's is refused
 * under the old epoch, on every node and whether or not the notice arrives; one that was on its way to the disk at
 * that very moment may still land beside it, and names the epoch that it was decided under.
 * Holds the organisation's row from here to the commit: changes of one organisation happen one after the other, and
 * an admin token's revocation is one of them. So the entry, which is written under that lock, tells exactly whether
 * the admin token that asked for this change may still ask.
 * @throws {LedgerError} `actor_gone`
 */
export async function recordChange(trx: Db, entry: Omit<LedgerEntry, 'entryId'>): Promise<void> {
  const { epoch } = await trx
    .updateTable('organisations')
    .set({ epoch: sql`epoch + 1` })
    .where('id', '=', entry.orgId)
    .returning('epoch')
    .executeTakeFirstOrThrow()
  await appendEntry(trx, { ...entry, entryId: newId() })
  const { orgId, kind, kekId = null, targetId = null, virtualKeyId = null } = entry
  const notice: ChangeNotice = { orgId, epoch, kind, kekId, targetId, virtualKeyId }
  await sql`SELECT pg_notify(${changesChannel}, ${JSON.stringify(notice)})`.execute(trx)
}

/**
 * Reads a notice from the channel; null for what is not one (another version's, or somebody else's: whoever may connect
 * to the database may write to the channel).
 */
export function parseChangeNotice(payload: string): ChangeNotice | null {
  try {
    const notice: unknown = JSON.parse(payload)
    if (typeof notice !== 'object' || notice === null) return null
    const { orgId, epoch, kind, kekId, targetId, virtualKeyId } = notice as Record<string, unknown>
    if (typeof orgId !== 'string' || typeof kind !== 'string') return null
    if (typeof epoch !== 'string' || !/^\d{1,19}$/.test(epoch)) return null
    if (!isIdOrNull(kekId) || !isIdOrNull(targetId) || !isIdOrNull(virtualKeyId)) return null
    // A kind that this version does not know is a change all the same.
    return { orgId, epoch, kind: kind as ChangeNotice['kind'], kekId, targetId, virtualKeyId }
  } catch {
    return null
  }
}

function isIdOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
