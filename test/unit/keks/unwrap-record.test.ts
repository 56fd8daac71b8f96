import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { canonicalAad } from '#envelope/aad.ts'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { openSecretInto } from '#envelope/open.ts'
import { generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import type { Kek } from '#keks/kek.ts'
import { RecordUnwrapper, type SealedRecord } from '#keks/unwrap-record.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { KekProvider } from '#kms/kek-provider.ts'
import { createLocalKek } from '#kms/local-kek-file.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'
import type { UnwrapIntent, UnwrapRefusal } from '#ledger/unwrap-intent.ts'

const credential = 'sk-0123456789'

describe('unwrapping a sealed record', () => {
  let directory: string
  let local: LocalKekProvider
  let record: SealedRecord
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hasp-unwrap-'))
    await createLocalKek(directory, 'main')
    local = new LocalKekProvider(directory, 'main')
    record = await seal()
  })
  afterAll(() => rm(directory, { recursive: true }))

  const seal = async (): Promise<SealedRecord> => {
    const kekId = newId()
    const [org, recordId] = [newId(), newId()]
    const context = {
      org,
      record: recordId,
      purpose: 'credential',
      provider: 'openai',
      environment: 'production',
      kek: kekId,
      generation: 1,
    } as const
    using dek = generateDek()
    using plaintext = SecretBytes.take(Buffer.from(credential))
    const { wrappedDek, materialId } = await local.wrap(dek, context)
    const sealed = sealSecret({ plaintext, dek, wrapped: { ...wrappedDek, materialId }, context })
    const kek = {
      id: kekId,
      orgId: org,
      unwrapMode: 'strict',
      cacheCeilingMs: 60_000,
      cacheUsesMax: 100,
    } as Kek
    return { kek, recordId, generation: 1, envelope: decodeEnvelope(sealed), context }
  }
  const under = (rules: Partial<Kek>, of = record): SealedRecord => ({ ...of, kek: { ...of.kek, ...rules } })

  /** The KMS under test: counts what it is asked, answers when it is let, and refuses when it is told. */
  let asked: number
  let gate: Promise<void> | undefined
  let refuseWith: KekFault | undefined
  let intents: UnwrapIntent[]
  let refusals: UnwrapRefusal[]
  let revoked: string[]
  let nowMs: number
  let isStale: boolean
  let unwrapper: RecordUnwrapper
  beforeEach(() => {
    asked = 0
    gate = undefined
    refuseWith = undefined
    intents = []
    refusals = []
    revoked = []
    nowMs = 1_000
    isStale = false
    const kms: Pick<KekProvider, 'unwrap'> = {
      async unwrap(wrapped, context) {
        asked += 1
        const fault = refuseWith
        await gate
        if (fault !== undefined) throw fault
        return local.unwrap(wrapped, context)
      },
    }
    unwrapper = new RecordUnwrapper({
      providers: { open: () => kms as KekProvider },
      journal: {
        async intend(intent) {
          if (isStale) return 'stale'
          intents.push(intent)
          return 'committed'
        },
        refused: (_, refusal) => refusals.push(refusal),
        completed: () => {},
      },
      newUnwrapId: newId,
      monotonicMs: () => nowMs,
      now: () => new Date('2026-01-01T00:00:00Z'),
      onRevoked: async (kek) => {
        revoked.push(kek.id)
        unwrapper.purge(kek.id)
      },
    })
  })

  const unwrap = async (of: SealedRecord) => {
    const unwrapped = await unwrapper.unwrap(of, '1')
    if (unwrapped === 'stale') throw new Error('stale')
    return unwrapped
  }
  /** Lets requests wait at the KMS until it is called. */
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    return () => {
      gate = undefined
      resolve()
    }
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve))

  it('opens the record, and names the call to the KMS that let it', async () => {
    const { recordKey, use } = await unwrap(record)
    const out = Buffer.alloc(64)
    const length = openSecretInto(recordKey, record.envelope, canonicalAad(record.context), out, 0)
    expect(out.toString('utf8', 0, length)).toBe(credential)
    expect(use).toMatchObject({ mode: 'strict', isReused: false, unwrappedAt: '2026-01-01T00:00:00.000Z' })
    expect(use.kmsRequestId).not.toBe('')
    expect(intents).toMatchObject([
      { unwrapId: use.unwrapId, purpose: 'credential', epoch: '1', targetId: record.recordId },
    ])
  })

  it('asks nothing of the KMS without a durable record of it: none when stale, none when it fails', async () => {
    isStale = true
    expect(await unwrapper.unwrap(record, '1')).toBe('stale')
    expect(asked).toBe(0)
    const failing = new RecordUnwrapper({
      providers: {
        open: () => {
          throw new Error('must not be opened')
        },
      },
      journal: {
        intend: () => Promise.reject(new Error('no database')),
        refused: () => {},
        completed: () => {},
      },
      newUnwrapId: newId,
      monotonicMs: () => 0,
      now: () => new Date(),
      onRevoked: async () => {},
    })
    await expect(failing.unwrap(record, '1')).rejects.toThrow('no database')
  })

  it.each(['shared', 'cached'] as const)(
    'hands the failure of the record to everybody who waits for it, in mode %s',
    async (unwrapMode) => {
      isStale = true
      const of = under({ unwrapMode })
      expect(await Promise.all([unwrapper.unwrap(of, '1'), unwrapper.unwrap(of, '1')])).toEqual([
        'stale',
        'stale',
      ])
      isStale = false
      expect((await unwrap(of)).use.isReused).toBe(false)
    },
  )

  it('refuses a record that is not what the KMS unwraps', async () => {
    const other = await seal()
    const swapped = { ...record, envelope: { ...record.envelope, wrapped: other.envelope.wrapped } }
    await expect(unwrap(swapped)).rejects.toMatchObject({ kind: 'tampered' })
    const recommitted = { ...record, envelope: { ...record.envelope, commitment: Buffer.alloc(32) } }
    await expect(unwrap(recommitted)).rejects.toBeInstanceOf(EnvelopeError)
  })

  describe('in mode strict', () => {
    it('asks the KMS for every request, also for those that come at once', async () => {
      const uses = (await Promise.all([1, 2, 3].map(() => unwrap(record)))).map(({ use }) => use)
      expect(asked).toBe(3)
      expect(new Set(uses.map((use) => use.kmsRequestId)).size).toBe(3)
      expect(uses.every((use) => !use.isReused)).toBe(true)
    })
  })

  describe('in mode shared', () => {
    it('lets those that come at once share one call, of which one is the first, and keeps nothing', async () => {
      const shared = under({ unwrapMode: 'shared' })
      const answer = hold()
      const waiting = [1, 2, 3].map(() => unwrap(shared))
      await settle()
      answer()
      const uses = (await Promise.all(waiting)).map(({ use }) => use)
      expect(asked).toBe(1)
      expect(uses.map((use) => use.isReused)).toEqual([false, true, true])
      expect(new Set(uses.map((use) => use.unwrapId)).size).toBe(1)
      await unwrap(shared)
      expect(asked).toBe(2)
    })

    it('never shares between two records', async () => {
      const [one, other] = [under({ unwrapMode: 'shared' }), under({ unwrapMode: 'shared' }, await seal())]
      await Promise.all([unwrap(one), unwrap(other)])
      expect(asked).toBe(2)
    })

    it('asks anew for whoever comes after a purge, though a call is under way', async () => {
      const shared = under({ unwrapMode: 'shared' })
      const answer = hold()
      const before = unwrap(shared)
      await settle()
      unwrapper.purge(record.kek.id)
      const after = unwrap(shared)
      await settle()
      answer()
      await Promise.all([before, after])
      expect(asked).toBe(2)
    })
  })

  describe('in mode cached', () => {
    const cached = (rules: Partial<Kek> = {}) => under({ unwrapMode: 'cached', ...rules })

    it('serves until the ceiling, counted from when the KMS was asked, however often it is used', async () => {
      const of = cached({ cacheCeilingMs: 10_000 })
      const answer = hold()
      const first = unwrap(of)
      await settle()
      nowMs += 4_000
      answer()
      await first
      for (const elapsed of [0, 3_000, 2_999]) {
        nowMs += elapsed
        expect((await unwrap(of)).use.isReused).toBe(true)
      }
      nowMs += 1
      expect((await unwrap(of)).use.isReused).toBe(false)
      expect(asked).toBe(2)
    })

    it('serves as many requests as it may, the first among them, and those that shared the call', async () => {
      const of = cached({ cacheUsesMax: 5 })
      const answer = hold()
      const waiting = [1, 2, 3].map(() => unwrap(of))
      await settle()
      answer()
      await Promise.all(waiting)
      await unwrap(of)
      await unwrap(of)
      expect(asked).toBe(1)
      expect((await unwrap(of)).use.isReused).toBe(false)
      expect(asked).toBe(2)
    })

    it.each([1, 2])('never lets more than %i requests share one call', async (cacheUsesMax) => {
      const of = cached({ cacheUsesMax })
      await Promise.all(Array.from({ length: 10 }, () => unwrap(of)))
      expect(asked).toBe(10 / cacheUsesMax)
    })

    it('keeps nothing under a ceiling of 0', async () => {
      for (let i = 0; i < 3; i += 1) await unwrap(cached({ cacheCeilingMs: 0 }))
      expect(asked).toBe(3)
    })

    it('goes by the rules as they are now: a lower ceiling or count holds at once, and strict uses nothing kept', async () => {
      await unwrap(cached())
      nowMs += 5_000
      expect((await unwrap(cached({ cacheCeilingMs: 6_000 }))).use.isReused).toBe(true)
      expect((await unwrap(cached({ cacheCeilingMs: 5_000 }))).use.isReused).toBe(false)
      await unwrap(cached())
      expect((await unwrap(cached({ cacheUsesMax: 2 }))).use.isReused).toBe(false)
      expect((await unwrap(under({ unwrapMode: 'strict' }))).use.isReused).toBe(false)
    })

    it('is not fooled by another generation, or another KEK', async () => {
      await unwrap(cached())
      await expect(
        unwrap({ ...cached(), generation: 2, context: { ...record.context, generation: 2 } }),
      ).rejects.toMatchObject({ name: 'KekFault' })
      await expect(
        unwrap({ ...cached({ id: newId() }), context: { ...record.context, kek: newId() } }),
      ).rejects.toMatchObject({ name: 'KekFault' })
      expect(asked).toBe(3)
    })

    it.each(['purge', 'purgeAll'] as const)(
      'forgets on %s, and never keeps an answer that was asked for before it',
      async (how) => {
        const purge = () => (how === 'purge' ? unwrapper.purge(record.kek.id) : unwrapper.purgeAll())
        await unwrap(cached())
        purge()
        const answer = hold()
        const underWay = unwrap(cached())
        await settle()
        purge()
        answer()
        await underWay
        expect((await unwrap(cached())).use.isReused).toBe(false)
        expect(asked).toBe(3)
      },
    )

    it('keeps what another KEK opened', async () => {
      await unwrap(cached())
      unwrapper.purge(newId())
      expect((await unwrap(cached())).use.isReused).toBe(true)
    })
  })

  describe('where the KMS refuses', () => {
    it.each(['strict', 'shared', 'cached'] as const)(
      'tells of a revocation before anybody is refused, in mode %s, and keeps nothing',
      async (unwrapMode) => {
        refuseWith = new KekFault('revoked', 'DisabledException', 'disabled', { kmsRequestId: 'r-1' })
        await expect(unwrap(under({ unwrapMode }))).rejects.toBe(refuseWith)
        expect(revoked).toEqual([record.kek.id])
        expect(refusals).toMatchObject([{ kind: 'revoked', kmsRequestId: 'r-1' }])
        refuseWith = undefined
        expect((await unwrap(under({ unwrapMode }))).use.isReused).toBe(false)
      },
    )

    it('takes an outage for no revocation', async () => {
      refuseWith = new KekFault('unreachable', 'timeout', 'no answer')
      await expect(unwrap(record)).rejects.toBe(refuseWith)
      expect([revoked, refusals.length]).toEqual([[], 1])
    })

    it('serves nobody from what was kept once it is known to be revoked', async () => {
      const of = under({ unwrapMode: 'cached' })
      await unwrap(of)
      refuseWith = new KekFault('revoked', 'DisabledException', 'disabled')
      await expect(unwrap(under({ unwrapMode: 'strict' }))).rejects.toBe(refuseWith)
      await expect(unwrap(of)).rejects.toBe(refuseWith)
    })
  })
})
