import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import {
  rowOfCompletedUnwrap,
  rowOfIntent,
  rowOfOutcome,
  rowOfReceipt,
  rowOfRefusedUnwrap,
} from '#ledger/batch-row.ts'
import { bodyOf } from '#ledger/entry.ts'
import { makeOutcome, makeReceipt } from '../../support/ledger.ts'

const anyText = fc.string({ unit: 'binary' })
/** The cloud's own id of a call, where it has one beside ours. */
const serviceRequest = fc.oneof(fc.constant({}), fc.record({ serviceRequestId: anyText }))

describe('the bodies that the hot path writes out by hand', () => {
  it('of receipts are the canonical JSON of their entry, whatever the client sent', () => {
    fc.assert(
      fc.property(
        anyText,
        anyText,
        fc.option(anyText),
        serviceRequest,
        (provider, operation, model, found) => {
          const { unwrap: plain, ...call } = makeReceipt({ orgId: newId(), provider, operation, model })
          const { serviceRequestId: _, ...known } = plain
          const unwrap = { ...known, ...found }
          const receipt = { ...call, unwrap }
          const { epoch, credentialGeneration, virtualKeyId, targetId, kekId, orgId, occurredAt } = receipt
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
        },
      ),
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

  it.each([
    { purpose: 'credential', targetId: newId(), epoch: '7', actor: 'proxy' },
    { purpose: 'canary', targetId: null, epoch: null, actor: 'probe' },
  ] as const)('of unwraps of a $purpose, intended and refused', ({ actor, ...fields }) => {
    const intent = {
      unwrapId: newId(),
      orgId: newId(),
      kekId: newId(),
      generation: 2,
      mode: 'strict',
      ...fields,
    } as const
    const { unwrapId, orgId, kekId, targetId, epoch, generation, mode, purpose } = intent
    const common = { actor, orgId, kekId, occurredAt: new Date(), ...(targetId === null ? {} : { targetId }) }
    const intended = rowOfIntent(intent, common.occurredAt)
    expect(intended).toMatchObject({ entryId: unwrapId, epoch, targetId })
    expect(intended.body).toBe(
      bodyOf({
        ...common,
        entryId: unwrapId,
        kind: 'unwrap.intended',
        details: { epoch, generation, mode, purpose },
      }),
    )
    const refusal = { kind: 'revoked', code: 'DisabledException', kmsRequestId: undefined }
    const refused = rowOfRefusedUnwrap(intent, refusal, common.occurredAt)
    const details = { unwrapId, fault: 'revoked', code: 'DisabledException', kmsRequestId: null }
    expect(refused.body).toBe(
      bodyOf({ ...common, entryId: refused.entryId, kind: 'unwrap.refused', details }),
    )
    const refusedWithId = rowOfRefusedUnwrap(intent, { ...refusal, serviceRequestId: 's' }, common.occurredAt)
    expect(JSON.parse(refusedWithId.body)).toMatchObject({ details: { ...details, serviceRequestId: 's' } })
    const answer = { kmsRequestId: 'r', serviceRequestId: 's', materialId: 'm' }
    const completed = rowOfCompletedUnwrap(intent, answer, common.occurredAt)
    expect(completed).toMatchObject({ kind: 'unwrap.completed', epoch: null, targetId })
    expect(JSON.parse(completed.body)).toMatchObject({ actor, details: { unwrapId, purpose, ...answer } })
    const ofOneId = rowOfCompletedUnwrap(intent, { kmsRequestId: 'r', materialId: 'm' }, common.occurredAt)
    expect(ofOneId.body).not.toContain('serviceRequestId')
  })

  it('never hold a bare line feed, which separates them on their way to the database', () => {
    const receipt = makeReceipt({ orgId: newId(), model: 'a\nb\r\n\u2028c' })
    expect(rowOfReceipt(receipt).body).not.toMatch(/[\n\r]/)
  })
})
