import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { rowOfOutcome, rowOfReceipt } from '#ledger/batch-row.ts'
import { bodyOf } from '#ledger/entry.ts'
import { makeOutcome, makeReceipt } from '../../support/ledger.ts'

const anyText = fc.string({ unit: 'binary' })

describe('the bodies that the hot path writes out by hand', () => {
  it('of receipts are the canonical JSON of their entry, whatever the client sent', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.option(anyText), (provider, operation, model) => {
        const receipt = makeReceipt({ orgId: newId(), provider, operation, model })
        const { epoch, credentialGeneration, unwrap, virtualKeyId, targetId, kekId, orgId, occurredAt } =
          receipt
        expect(rowOfReceipt(receipt).body).toBe(
          bodyOf({
            entryId: receipt.receiptId,
            kind: 'receipt.opened',
            actor: `virtual-key:${virtualKeyId}`,
            orgId,
            occurredAt,
            virtualKeyId,
            targetId,
            kekId,
            details: { epoch, credentialGeneration, provider, operation, model, unwrap },
          }),
        )
      }),
    )
  })

  it('of outcomes too', () => {
    fc.assert(
      fc.property(fc.option(anyText), fc.nat(), (upstreamRequestId, durationMs) => {
        const outcome = makeOutcome(makeReceipt({ orgId: newId() }), { upstreamRequestId, durationMs })
        const { receiptId, orgId, virtualKeyId, targetId, kekId, ...details } = outcome
        const now = new Date()
        const row = rowOfOutcome(outcome, now)
        expect(row.body).toBe(
          bodyOf({
            entryId: row.entryId,
            kind: 'receipt.settled',
            actor: `virtual-key:${virtualKeyId}`,
            orgId,
            occurredAt: now,
            virtualKeyId,
            targetId,
            kekId,
            receiptId,
            details,
          }),
        )
      }),
    )
  })

  it('never hold a bare line feed, which separates them on their way to the database', () => {
    const receipt = makeReceipt({ orgId: newId(), model: 'a\nb\r\n\u2028c' })
    expect(rowOfReceipt(receipt).body).not.toMatch(/[\n\r]/)
  })
})
