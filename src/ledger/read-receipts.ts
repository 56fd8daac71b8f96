import type { Db } from '#db/database.ts'
import { decodeCursor, pageBy, type Page } from '#db/keyset.ts'
import { entryOf } from './read-entries.ts'
import type { LedgerEntry } from './entry.ts'

/** A proxied call: its receipt, and how it ended; null while it is under way, or when that was never written. */
export type ReceiptWithOutcome = Readonly<{ receipt: LedgerEntry; outcome: LedgerEntry | null }>

/** One organisation's proxied calls, newest first. @throws {CursorError} */
export async function readReceipts(
  db: Db,
  input: Readonly<{
    orgId: string
    receiptId?: string
    virtualKeyId?: string
    targetId?: string
    kekId?: string
    limit: number
    cursor?: string
  }>,
): Promise<Page<ReceiptWithOutcome>> {
  let query = db
    .selectFrom('ledger_entries as receipt')
    .leftJoin('ledger_entries as outcome', 'outcome.receipt_id', 'receipt.entry_id')
    .select(['receipt.body as receipt_body', 'outcome.body as outcome_body'])
    .where('receipt.org_id', '=', input.orgId)
    .where('receipt.kind', '=', 'receipt.opened')
    .orderBy('receipt.entry_id', 'desc')
    .limit(input.limit + 1)
  if (input.cursor !== undefined) query = query.where('receipt.entry_id', '<', decodeCursor(input.cursor))
  if (input.receiptId !== undefined) query = query.where('receipt.entry_id', '=', input.receiptId)
  if (input.virtualKeyId !== undefined) query = query.where('receipt.virtual_key_id', '=', input.virtualKeyId)
  if (input.targetId !== undefined) query = query.where('receipt.target_id', '=', input.targetId)
  if (input.kekId !== undefined) query = query.where('receipt.kek_id', '=', input.kekId)
  const calls = (await query.execute()).map((row) => ({
    receipt: entryOf(row.receipt_body),
    outcome: row.outcome_body === null ? null : entryOf(row.outcome_body),
  }))
  return pageBy(calls, input.limit, (call) => call.receipt.entryId)
}
