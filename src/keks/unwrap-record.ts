import { LRUCache } from 'lru-cache'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { Envelope } from '#envelope/format-v1.ts'
import { deriveRecordKey, type RecordKey } from '#envelope/record-key.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { KekProviders } from './access.ts'
import type { Kek, UnwrapMode } from './kek.ts'
import type { UnwrapIntent } from '#ledger/unwrap-intent.ts'
import type { UnwrapJournal } from './unwrap-journal.ts'

/** A sealed record, ready to be asked for: decoded, its mac checked, its context rebuilt from its row. */
export type SealedRecord = Readonly<{
  kek: Kek
  /** Id of the record that owns the secret, and the generation of its seal. */
  recordId: string
  generation: number
  envelope: Envelope
  context: EncryptionContext
  /** Who asks, where it is not a proxied request. */
  actor?: string
}>

/** Which unwrap served a request; goes into its receipt. */
type UnwrapUse = Readonly<{
  unwrapId: string
  mode: UnwrapMode
  /** Whether an earlier or concurrent request's unwrap served this one. */
  isReused: boolean
  kmsRequestId: string
  serviceRequestId?: string | undefined
  materialId: string
  unwrappedAt: string
}>

export type UnwrappedRecord = Readonly<{ recordKey: RecordKey; use: UnwrapUse }>

/** An answer kept for later requests. `uses` counts the requests that it served. */
type Held = Readonly<{ unwrapped: UnwrappedRecord; kekId: string; askedAtMs: number }> & { uses: number }

/** A call to the KMS that further requests may wait for. */
type UnderWay = { answer: Promise<UnwrappedRecord | 'stale'>; uses: number }

type Deps = Readonly<{
  providers: KekProviders
  journal: UnwrapJournal
  newUnwrapId: () => string
  /** Milliseconds that only rise (not wall clock), so that a ceiling can not be stretched by setting the clock. */
  monotonicMs: () => number
  now: () => Date
  /** Called, and awaited, when the KMS answers that the KEK is revoked. */
  onRevoked: (kek: Kek, fault: KekFault) => Promise<void>
}>

const heldRecordsMax = 10_000

/**
 * Turns a sealed record into the key that opens it, by the customer's KMS, under the KEK's unwrap mode.
 * Holds derived record keys only in mode `cached`, and DEKs never beyond the derivation.
 */
export class RecordUnwrapper {
  readonly #deps: Deps
  readonly #held = new LRUCache<string, Held>({ max: heldRecordsMax })
  readonly #inFlight = new Map<string, UnderWay>()
  /** Counts the purges of each KEK: an answer that was asked for before a purge is never held after it. */
  readonly #purges = new Map<string, number>()
  readonly #revocations = new Map<string, number>()
  #purgesOfAll = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * @returns `stale`, and the KMS was not asked, when the organisation is at another epoch than `epoch`.
   * @throws {KekFault} as the KMS answers; {EnvelopeError} when what was unwrapped is not the DEK that sealed this
   *   record.
   */
  unwrap(record: SealedRecord, epoch: string): Promise<UnwrappedRecord | 'stale'> | UnwrappedRecord {
    switch (record.kek.unwrapMode) {
      case 'strict':
        return this.#ask(record, epoch)
      case 'shared':
        return this.#share(record, epoch)
      case 'cached':
        return this.#heldOf(record) ?? this.#share(record, epoch)
    }
  }

  /** The KEK may not be used any more: forgets everything that it opened. */
  revoke(kekId: string): void {
    this.#revocations.set(kekId, (this.#revocations.get(kekId) ?? 0) + 1)
    this.purge(kekId)
  }

  /**
   * Counts the revocations of this KEK that this node learnt of, and the times when it may have missed one: what was
   * unwrapped before the last of them must not be used.
   */
  revocationsOf(kekId: string): number {
    return this.#purgesOfAll + (this.#revocations.get(kekId) ?? 0)
  }

  /** Forgets everything that this KEK opened. */
  purge(kekId: string): void {
    this.#purges.set(kekId, (this.#purges.get(kekId) ?? 0) + 1)
    for (const [id, held] of this.#held) if (held.kekId === kekId) this.#held.delete(id)
    for (const id of this.#inFlight.keys()) if (id.startsWith(kekId)) this.#inFlight.delete(id)
  }

  /** Forgets everything: messages from other nodes may have been lost. */
  purgeAll(): void {
    this.#purgesOfAll += 1
    this.#held.clear()
    this.#inFlight.clear()
  }

  /** A live held record, one use spent; `undefined` when there is none. */
  #heldOf(record: SealedRecord): UnwrappedRecord | undefined {
    const id = idOf(record)
    const held = this.#held.get(id)
    if (held === undefined) return undefined
    // By the rules as they are now, not as they were when it was asked for.
    const { cacheCeilingMs, cacheUsesMax } = record.kek
    if (this.#deps.monotonicMs() >= held.askedAtMs + cacheCeilingMs || held.uses >= cacheUsesMax) {
      this.#held.delete(id)
      return undefined
    }
    held.uses += 1
    return held.unwrapped
  }

  async #share(record: SealedRecord, epoch: string): Promise<UnwrappedRecord | 'stale'> {
    const id = idOf(record)
    const { unwrapMode, cacheUsesMax } = record.kek
    const underWay = this.#inFlight.get(id)
    if (underWay !== undefined && (unwrapMode === 'shared' || underWay.uses < cacheUsesMax)) {
      underWay.uses += 1
      const shared = await underWay.answer
      return shared === 'stale' ? shared : reused(shared)
    }
    const asked: UnderWay = { answer: this.#ask(record, epoch, () => asked.uses), uses: 1 }
    this.#inFlight.set(id, asked)
    try {
      return await asked.answer
    } finally {
      if (this.#inFlight.get(id) === asked) this.#inFlight.delete(id)
    }
  }

  /** One call to the KMS, with its durable record before it. */
  async #ask(
    record: SealedRecord,
    epoch: string,
    usesSoFar: () => number = () => 1,
  ): Promise<UnwrappedRecord | 'stale'> {
    const { kek, envelope, context, actor } = record
    const isCanary = context.purpose === 'canary'
    const intent: UnwrapIntent = {
      unwrapId: this.#deps.newUnwrapId(),
      orgId: kek.orgId,
      epoch,
      kekId: kek.id,
      targetId: isCanary ? null : record.recordId,
      purpose: context.purpose,
      generation: record.generation,
      mode: kek.unwrapMode,
      ...(actor === undefined ? {} : { actor }),
    }
    if ((await this.#deps.journal.intend(intent)) === 'stale') return 'stale'
    const askedAtMs = this.#deps.monotonicMs()
    const purgesBefore = this.#purgesOf(kek.id)
    try {
      const unwrap = await this.#deps.providers.open(kek).unwrap(envelope.wrapped, context, {
        requestReason: intent.unwrapId,
      })
      using dek = unwrap.dek
      const unwrapped: UnwrappedRecord = {
        recordKey: deriveRecordKey({ dek, envelope, context }),
        use: {
          unwrapId: intent.unwrapId,
          mode: kek.unwrapMode,
          isReused: false,
          kmsRequestId: unwrap.kmsRequestId,
          serviceRequestId: unwrap.serviceRequestId,
          materialId: unwrap.materialId,
          unwrappedAt: this.#deps.now().toISOString(),
        },
      }
      if (kek.unwrapMode === 'cached' && this.#purgesOf(kek.id) === purgesBefore)
        this.#hold(record, unwrapped, askedAtMs, usesSoFar())
      // No receipt will name it.
      if (isCanary) this.#deps.journal.completed(intent, unwrapped.use)
      return unwrapped
    } catch (error) {
      if (error instanceof KekFault) {
        this.#deps.journal.refused(intent, error)
        if (error.kind === 'revoked') await this.#deps.onRevoked(kek, error)
      }
      throw error
    }
  }

  #hold(record: SealedRecord, unwrapped: UnwrappedRecord, askedAtMs: number, uses: number): void {
    const { cacheCeilingMs, cacheUsesMax, id } = record.kek
    if (cacheCeilingMs === 0 || uses >= cacheUsesMax) return
    this.#held.set(idOf(record), { unwrapped: reused(unwrapped), kekId: id, askedAtMs, uses })
  }

  #purgesOf(kekId: string): number {
    return this.#purgesOfAll + (this.#purges.get(kekId) ?? 0)
  }
}

/** Names the seal, not only the version: a rewrap seals the same version anew, under another record key. */
function idOf(record: SealedRecord): string {
  const { messageId } = record.envelope
  return `${record.kek.id}/${record.recordId}/${record.generation}/${messageId.toString('latin1')}`
}

function reused(unwrapped: UnwrappedRecord): UnwrappedRecord {
  return unwrapped.use.isReused
    ? unwrapped
    : { recordKey: unwrapped.recordKey, use: { ...unwrapped.use, isReused: true } }
}
