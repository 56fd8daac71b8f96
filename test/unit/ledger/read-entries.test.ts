import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { CursorError } from '#db/keyset.ts'
import { appendEntry } from '#ledger/append.ts'
import { ReceiptCommitter } from '#ledger/commit-receipts.ts'
import type { LedgerEntry } from '#ledger/entry.ts'
import { readEntries } from '#ledger/read-entries.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { insertOrganisation, makeOutcome, makeReceipt } from '../../support/ledger.ts'

let database: TestDatabase
let orgId: string
const entries: LedgerEntry[] = []
const kekId = newId()
const targetId = newId()
const virtualKeyId = newId()

beforeAll(async () => {
  database = await createTestDatabase()
  orgId = await insertOrganisation(database.db)
  for (let i = 0; i < 7; i++) {
    const entry: LedgerEntry = {
      entryId: newId(),
      orgId,
      kind: i % 2 === 0 ? 'kek.updated' : 'target.updated',
      occurredAt: new Date(1_760_000_000_000 + i),
      actor: 'operator',
      ...(i % 2 === 0 ? { kekId } : { targetId }),
      ...(i === 3 ? { virtualKeyId } : {}),
      details: { i },
    }
    await appendEntry(database.db.kysely, entry)
    entries.push(entry)
  }
})
afterAll(() => database[Symbol.asyncDispose]())

describe('reading the ledger', () => {
  it('gives back entries as they were appended, newest first', async () => {
    const page = await readEntries(database.db.kysely, { orgId, limit: 100 })
    expect(page).toEqual({ items: entries.toReversed(), nextCursor: null })
  })

  it('pages through all of them, each once', async () => {
    const seen: LedgerEntry[] = []
    let cursor: string | undefined
    do {
      const page = await readEntries(database.db.kysely, {
        orgId,
        limit: 3,
        ...(cursor === undefined ? {} : { cursor }),
      })
      expect(page.items.length).toBeLessThanOrEqual(3)
      seen.push(...page.items)
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toEqual(entries.toReversed())
  })

  it.each([
    ['kind', { kind: 'target.updated' }, [5, 3, 1]],
    ['KEK', { kekId }, [6, 4, 2, 0]],
    ['target', { targetId }, [5, 3, 1]],
    ['virtual key', { virtualKeyId }, [3]],
    ['two of these', { targetId, virtualKeyId, kind: 'target.updated' }, [3]],
  ] as const)('finds those of one %s', async (_, filter, expected) => {
    const page = await readEntries(database.db.kysely, { orgId, limit: 100, ...filter })
    expect(page.items.map((entry) => entry.details['i'])).toEqual(expected)
  })

  it("never shows another organisation's entries, whatever is asked for", async () => {
    const other = await insertOrganisation(database.db)
    for (const filter of [{}, { kekId }, { targetId }, { virtualKeyId }]) {
      const page = await readEntries(database.db.kysely, { orgId: other, limit: 100, ...filter })
      expect(page.items).toEqual([])
    }
  })

  it('reads receipts too', async () => {
    const org = await insertOrganisation(database.db)
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    const receipt = makeReceipt({ orgId: org })
    await committer.commit(receipt)
    const page = await readEntries(database.db.kysely, { orgId: org, kind: 'receipt.opened', limit: 1 })
    expect(page.items).toMatchObject([
      {
        entryId: receipt.receiptId,
        kekId: receipt.kekId,
        details: { model: receipt.model, unwrap: receipt.unwrap },
      },
    ])
  })

  it('finds the outcome of one receipt, and no other', async () => {
    const org = await insertOrganisation(database.db)
    const receipts = [makeReceipt({ orgId: org }), makeReceipt({ orgId: org })]
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    await Promise.all(receipts.map((receipt) => committer.commit(receipt)))
    for (const receipt of receipts) committer.settle(makeOutcome(receipt))
    await expect.poll(async () => (await settledOf(org, receipts[0]?.receiptId)).length).toBe(1)
    expect(await settledOf(org, receipts[0]?.receiptId)).toMatchObject([
      { kind: 'receipt.settled', receiptId: receipts[0]?.receiptId },
    ])
    expect(await settledOf(org, newId())).toEqual([])
  })

  it('refuses a cursor that is not one', async () => {
    await expect(readEntries(database.db.kysely, { orgId, limit: 1, cursor: 'x' })).rejects.toThrow(
      CursorError,
    )
  })
})

async function settledOf(org: string, receiptId = '') {
  const { items } = await readEntries(database.db.kysely, { orgId: org, receiptId, limit: 10 })
  return items
}
