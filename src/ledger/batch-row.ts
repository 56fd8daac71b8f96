import { newId } from '#db/ids.ts'
import { callIdsOf } from './call-ids.ts'
import { bodyFormat, bodyOf, type LedgerEntry } from './entry.ts'
import type { Receipt, ReceiptOutcome } from './receipt.ts'
import type { UnwrapCompletion, UnwrapIntent, UnwrapRefusal } from './unwrap-intent.ts'

/** One row of a batch (insert-batch.ts). */
export type BatchRow = Readonly<{
  entryId: string
  orgId: string
  /** Null: whatever the organisation's epoch is now. */
  epoch: string | null
  kind: 'unwrap.intended' | 'unwrap.refused' | 'unwrap.completed' | 'receipt.opened' | 'receipt.settled'
  occurredAt: string
  kekId: string
  targetId: string | null
  virtualKeyId: string | null
  receiptId: string | null
  body: string
}>

/**
 * The bodies below are {@link bodyOf} written out: on the path of every call, names and punctuation are put in their
 * canonical order by hand instead of being sorted and written for each receipt. A test holds both to the same bytes.
 */
export function rowOfReceipt(receipt: Receipt): BatchRow {
  const { unwrap } = receipt
  const { serviceRequestId } = unwrap
  const serviceRequest =
    serviceRequestId === undefined ? '' : `,"serviceRequestId":${quoted(serviceRequestId)}`
  const occurredAt = isoOf(receipt.occurredAt)
  return {
    entryId: receipt.receiptId,
    orgId: receipt.orgId,
    epoch: receipt.epoch,
    kind: 'receipt.opened',
    occurredAt,
    kekId: receipt.kekId,
    targetId: receipt.targetId,
    virtualKeyId: receipt.virtualKeyId,
    receiptId: null,
    body:
      `{"actor":"virtual-key:${receipt.virtualKeyId}","details":{"credentialGeneration":${receipt.credentialGeneration}` +
      `,"epoch":"${receipt.epoch}","model":${quoted(receipt.model)},"operation":${quoted(receipt.operation)}` +
      `,"provider":${quoted(receipt.provider)},"unwrap":{"isReused":${unwrap.isReused}` +
      `,"kmsRequestId":${quoted(unwrap.kmsRequestId)},"materialId":${quoted(unwrap.materialId)}` +
      `,"mode":"${unwrap.mode}"${serviceRequest},"unwrapId":"${unwrap.unwrapId}","unwrappedAt":"${unwrap.unwrappedAt}"}}` +
      `,"entryId":"${receipt.receiptId}","format":${bodyFormat},"kekId":"${receipt.kekId}","kind":"receipt.opened"` +
      `,"occurredAt":"${occurredAt}","orgId":"${receipt.orgId}","targetId":"${receipt.targetId}"` +
      `,"virtualKeyId":"${receipt.virtualKeyId}"}`,
  }
}

/** Outcomes are entries of their own, with their own ids: the receipt itself is never touched again. */
export function rowOfOutcome(outcome: ReceiptOutcome, now: Date): BatchRow {
  const occurredAt = isoOf(now)
  const entryId = newId()
  return {
    entryId,
    orgId: outcome.orgId,
    epoch: null,
    kind: 'receipt.settled',
    occurredAt,
    kekId: outcome.kekId,
    targetId: outcome.targetId,
    virtualKeyId: outcome.virtualKeyId,
    receiptId: outcome.receiptId,
    body:
      `{"actor":"virtual-key:${outcome.virtualKeyId}","details":{"durationMs":${outcome.durationMs}` +
      `,"end":"${outcome.end}","requestBytes":${outcome.requestBytes},"responseBytes":${outcome.responseBytes}` +
      `,"status":${outcome.status},"upstreamRequestId":${quoted(outcome.upstreamRequestId)}},"entryId":"${entryId}"` +
      `,"format":${bodyFormat},"kekId":"${outcome.kekId}","kind":"receipt.settled","occurredAt":"${occurredAt}"` +
      `,"orgId":"${outcome.orgId}","receiptId":"${outcome.receiptId}","targetId":"${outcome.targetId}"` +
      `,"virtualKeyId":"${outcome.virtualKeyId}"}`,
  }
}

/** The intent to unwrap; its entry's id is the unwrap's. On the path of every strict request. */
export function rowOfIntent(intent: UnwrapIntent, now: Date): BatchRow {
  const occurredAt = isoOf(now)
  const { kekId, orgId, targetId } = intent
  return {
    entryId: intent.unwrapId,
    orgId,
    epoch: intent.epoch,
    kind: 'unwrap.intended',
    occurredAt,
    kekId,
    targetId,
    virtualKeyId: null,
    receiptId: null,
    body:
      `{"actor":"${actorOf(intent)}","details":{"epoch":${quoted(intent.epoch)},"generation":${intent.generation}` +
      `,"mode":"${intent.mode}","purpose":"${intent.purpose}"},"entryId":"${intent.unwrapId}","format":${bodyFormat}` +
      `,"kekId":"${kekId}","kind":"unwrap.intended","occurredAt":"${occurredAt}","orgId":"${orgId}"` +
      `${targetId === null ? '' : `,"targetId":"${targetId}"`}}`,
  }
}

/** That the KMS refused, or did not answer, what `intent` announced; carries its request id where it gave one. */
export function rowOfRefusedUnwrap(intent: UnwrapIntent, refusal: UnwrapRefusal, now: Date): BatchRow {
  return rowOfEndedUnwrap(intent, 'unwrap.refused', now, {
    unwrapId: intent.unwrapId,
    fault: refusal.kind,
    code: refusal.code,
    ...callIdsOf(refusal),
  })
}

/** By which request the KMS unwrapped what `intent` announced, where no receipt says so. */
export function rowOfCompletedUnwrap(
  intent: UnwrapIntent,
  completion: UnwrapCompletion,
  now: Date,
): BatchRow {
  return rowOfEndedUnwrap(intent, 'unwrap.completed', now, {
    unwrapId: intent.unwrapId,
    purpose: intent.purpose,
    ...callIdsOf(completion),
    materialId: completion.materialId,
  })
}

function rowOfEndedUnwrap(
  intent: UnwrapIntent,
  kind: 'unwrap.refused' | 'unwrap.completed',
  now: Date,
  details: LedgerEntry['details'],
): BatchRow {
  const entryId = newId()
  const { kekId, orgId, targetId } = intent
  const entry = { entryId, orgId, kind, occurredAt: now, actor: actorOf(intent), kekId, details } as const
  return {
    entryId,
    orgId,
    epoch: null,
    kind,
    occurredAt: now.toISOString(),
    kekId,
    targetId,
    virtualKeyId: null,
    receiptId: null,
    body: bodyOf(targetId === null ? entry : { ...entry, targetId }),
  }
}

/** What others wrote goes through JSON's own quoting; ids, dates and words of ours need none. */
function quoted(text: string | null): string {
  return text === null ? 'null' : JSON.stringify(text)
}

function actorOf(intent: UnwrapIntent): string {
  if (intent.actor !== undefined) return intent.actor
  return intent.purpose === 'canary' ? 'probe' : 'proxy'
}

/** `at.toISOString()`; calls come many to the millisecond, and most ask for the one that was written last. */
function isoOf(at: Date): string {
  const ms = at.getTime()
  if (ms !== lastWritten.ms) {
    lastWritten.ms = ms
    lastWritten.text = at.toISOString()
  }
  return lastWritten.text
}

const lastWritten = { ms: Number.NaN, text: '' }
