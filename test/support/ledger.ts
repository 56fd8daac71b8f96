import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { Receipt, ReceiptOutcome } from '#ledger/receipt.ts'

/** A new organisation at epoch 1. */
export async function insertOrganisation(db: Database): Promise<string> {
  const id = newId()
  await db.kysely.insertInto('organisations').values({ id, name: id }).execute()
  return id
}

/** A receipt of a plausible call, with what the test cares about. */
export function makeReceipt(fields: Partial<Receipt> & { orgId: string }): Receipt {
  return {
    receiptId: newId(),
    epoch: '1',
    occurredAt: new Date(),
    virtualKeyId: newId(),
    targetId: newId(),
    kekId: newId(),
    credentialGeneration: 1,
    provider: 'openai',
    operation: 'chat.completions',
    model: 'gpt-4o-mini',
    unwrap: {
      unwrapId: newId(),
      mode: 'strict',
      isReused: false,
      kmsRequestId: '2b1c7d1e-5b63-4f3c-9df2-6a3f0f0a7f11',
      materialId: 'f'.repeat(64),
      unwrappedAt: '2026-01-02T03:04:05.678Z',
    },
    ...fields,
  }
}

/** How the call of `receipt` ended. */
export function makeOutcome(receipt: Receipt, fields: Partial<ReceiptOutcome> = {}): ReceiptOutcome {
  return {
    receiptId: receipt.receiptId,
    orgId: receipt.orgId,
    virtualKeyId: receipt.virtualKeyId,
    targetId: receipt.targetId,
    kekId: receipt.kekId,
    end: 'completed',
    status: 200,
    requestBytes: 120,
    responseBytes: 3400,
    durationMs: 812,
    upstreamRequestId: 'req_abc',
    ...fields,
  }
}
