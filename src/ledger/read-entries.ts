import type { Db } from '#db/database.ts'
import { decodeCursor, pageBy, type Page } from '#db/keyset.ts'
import type { EntryKind, LedgerEntry } from './entry.ts'

export type ReadEntries = Readonly<{
  orgId: string
  kind?: EntryKind
  virtualKeyId?: string
  targetId?: string
  kekId?: string
  /** Only the outcome of this receipt. */
  receiptId?: string
  limit: number
  /** From the page before. */
  cursor?: string
}>

/** One organisation's entries, newest first. @throws {CursorError} */
export async function readEntries(db: Db, input: ReadEntries): Promise<Page<LedgerEntry>> {
  let query = db
    .selectFrom('ledger_entries')
    .select('body')
    .where('org_id', '=', input.orgId)
    .orderBy('entry_id', 'desc')
    .limit(input.limit + 1)
  if (input.cursor !== undefined) query = query.where('entry_id', '<', decodeCursor(input.cursor))
  if (input.kind !== undefined) query = query.where('kind', '=', input.kind)
  if (input.virtualKeyId !== undefined) query = query.where('virtual_key_id', '=', input.virtualKeyId)
  if (input.targetId !== undefined) query = query.where('target_id', '=', input.targetId)
  if (input.kekId !== undefined) query = query.where('kek_id', '=', input.kekId)
  if (input.receiptId !== undefined) query = query.where('receipt_id', '=', input.receiptId)
  const rows = await query.execute()
  return pageBy(
    rows.map((row) => entryOf(row.body)),
    input.limit,
    (entry) => entry.entryId,
  )
}

type StoredBody = Omit<LedgerEntry, 'occurredAt'> & Readonly<{ format: number; occurredAt: string }>

/** The body is the record; the columns beside it only find it. */
export function entryOf(body: string): LedgerEntry {
  // Every body was written by `bodyOf` or its hand-written twins (batch-row.ts), and the table is append-only.
  const stored: StoredBody = JSON.parse(body)
  const { format: _, occurredAt, ...entry } = stored
  return { ...entry, occurredAt: new Date(occurredAt) }
}
