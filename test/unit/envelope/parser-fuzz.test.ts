import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import { decodeEnvelope, encodeEnvelope, LENGTHS } from '#envelope/format-v1.ts'
import { fromHex, loadVectors } from '../../vectors/load.ts'
import { arbitraryWrapped, EXAMPLE_WRAPPED } from './arbitraries.ts'

const good = loadVectors('envelope-v1-good.json').map(({ envelope }) => fromHex(envelope))
const arbitraryGood = fc.constantFrom(...good)

type Mutation = { at: number; byte: number; kind: 'set' | 'insert' | 'remove' }

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  byte: fc.nat(255),
  kind: fc.constantFrom('set', 'insert', 'remove'),
})

function mutate(bytes: Buffer, { at, byte, kind }: Mutation): Buffer {
  const position = at % (bytes.length + 1)
  const inserted = kind === 'remove' ? Buffer.alloc(0) : Buffer.of(byte)
  const rest = bytes.subarray(kind === 'insert' ? position : position + 1)
  return Buffer.concat([bytes.subarray(0, position), inserted, rest])
}

/** Either refuses with an EnvelopeError, or accepts bytes that are the canonical encoding of what it read. */
function decodeHonestly(bytes: Buffer): 'accepted' | 'refused' {
  const startedAtMs = performance.now()
  try {
    expect(encodeEnvelope(decodeEnvelope(bytes)).equals(bytes)).toBe(true)
    return 'accepted'
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error
    return 'refused'
  } finally {
    // A thousand times what it takes: only a parser that loops or copies without bound gets here.
    expect(performance.now() - startedAtMs).toBeLessThan(2000)
  }
}

describe('the envelope parser', () => {
  it('meets random bytes with nothing but an EnvelopeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(decodeHonestly(Buffer.from(bytes))).toBe('refused')
      }),
      { numRuns: 2000 },
    )
  })

  it('meets random bytes behind a good beginning with nothing but an EnvelopeError', () => {
    fc.assert(
      fc.property(arbitraryGood, fc.nat(400), fc.uint8Array({ maxLength: 600 }), (envelope, keep, rest) => {
        const bytes = Buffer.concat([envelope.subarray(0, keep), rest])
        expect(['accepted', 'refused']).toContain(decodeHonestly(bytes))
      }),
      { numRuns: 3000 },
    )
  })

  it('reads back, from a mutated envelope, exactly what is written or refuses it', () => {
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(
        arbitraryGood,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (envelope, mutations) => {
          outcomes.add(decodeHonestly(mutations.reduce(mutate, envelope)))
        },
      ),
      { numRuns: 5000 },
    )
    expect(outcomes).toEqual(new Set(['accepted', 'refused']))
  })

  it('refuses every truncation and every extension of a good envelope', () => {
    for (const envelope of good) {
      for (let length = 0; length < envelope.length; length++) {
        expect(decodeHonestly(envelope.subarray(0, length))).toBe('refused')
      }
      for (const extra of [1, 16, 64, 1000]) {
        expect(decodeHonestly(Buffer.concat([envelope, randomBytes(extra)]))).toBe('refused')
      }
    }
  })

  it('accepts whatever the encoder writes, at every limit', () => {
    fc.assert(
      fc.property(arbitraryWrapped, fc.integer({ min: 1, max: 768 }), (wrapped, blocks) => {
        const bytes = encodeEnvelope({
          wrapped,
          generation: 1,
          messageId: randomBytes(32),
          commitment: randomBytes(32),
          nonce: randomBytes(12),
          ciphertext: Buffer.alloc(blocks * 64),
          tag: randomBytes(16),
        })
        expect(decodeHonestly(bytes)).toBe('accepted')
      }),
    )
  })

  it('refuses what is longer than any envelope before it reads it', () => {
    const [envelope] = good
    expect(() => decodeEnvelope(Buffer.alloc(LENGTHS.envelopeMax + 1, envelope))).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
  })
})

describe('the envelope encoder', () => {
  const parts = {
    wrapped: EXAMPLE_WRAPPED,
    generation: 1,
    messageId: Buffer.alloc(32),
    commitment: Buffer.alloc(32),
    nonce: Buffer.alloc(12),
    ciphertext: Buffer.alloc(64),
    tag: Buffer.alloc(16),
  }

  it.each([
    ['a KEK reference of no characters', { wrapped: { ...EXAMPLE_WRAPPED, kekRef: '' } }],
    ['a KEK reference that is too long', { wrapped: { ...EXAMPLE_WRAPPED, kekRef: 'x'.repeat(1025) } }],
    ['a KEK reference with a line break', { wrapped: { ...EXAMPLE_WRAPPED, kekRef: 'local:a\n' } }],
    ['a KEK reference outside ASCII', { wrapped: { ...EXAMPLE_WRAPPED, kekRef: 'local:ä' } }],
    ['a material id that is too long', { wrapped: { ...EXAMPLE_WRAPPED, materialId: 'x'.repeat(256) } }],
    ['a wrapped DEK of no bytes', { wrapped: { ...EXAMPLE_WRAPPED, bytes: Buffer.alloc(0) } }],
    ['a wrapped DEK that is too long', { wrapped: { ...EXAMPLE_WRAPPED, bytes: Buffer.alloc(8193) } }],
    ['generation 0', { generation: 0 }],
    ['a generation beyond 2^53', { generation: 2 ** 53 }],
    ['a short message id', { messageId: Buffer.alloc(31) }],
    ['a long commitment', { commitment: Buffer.alloc(33) }],
    ['a long nonce', { nonce: Buffer.alloc(16) }],
    ['a short tag', { tag: Buffer.alloc(4) }],
    ['an empty ciphertext', { ciphertext: Buffer.alloc(0) }],
    ['a ciphertext that is not padded', { ciphertext: Buffer.alloc(65) }],
    ['a ciphertext that is too long', { ciphertext: Buffer.alloc(49_152 + 64) }],
  ])('refuses %s', (_, change) => {
    expect(() => encodeEnvelope({ ...parts, ...change })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
    expect(() => encodeEnvelope(parts)).not.toThrow()
  })
})
