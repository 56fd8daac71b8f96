import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalAad } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import { decodeEnvelope, encodeEnvelope } from '#envelope/format-v1.ts'
import { openSecret, openSecretInto, plaintextBytesMax } from '#envelope/open.ts'
import { deriveRecordKey, generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { arbitraryContext, arbitraryWrapped, EXAMPLE_CONTEXT, EXAMPLE_WRAPPED } from './arbitraries.ts'

function seal(
  plaintext: Uint8Array,
  dek: SecretBytes,
  context: EncryptionContext,
  wrapped = EXAMPLE_WRAPPED,
): Buffer {
  using secret = SecretBytes.take(Uint8Array.from(plaintext))
  return sealSecret({ plaintext: secret, dek, wrapped, context })
}

function open(bytes: Buffer, dek: SecretBytes, context: EncryptionContext): Buffer {
  const envelope = decodeEnvelope(bytes)
  using plaintext = openSecret(deriveRecordKey({ dek, envelope, context }), envelope, context)
  return Buffer.from(plaintext.unsafeBytes())
}

describe('open inverts seal', () => {
  it('for every plaintext, context and wrapped DEK', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        arbitraryContext,
        arbitraryWrapped,
        (plaintext, context, wrapped) => {
          using dek = generateDek()
          const bytes = seal(plaintext, dek, context, wrapped)
          const envelope = decodeEnvelope(bytes)
          expect(open(bytes, dek, context).equals(plaintext)).toBe(true)
          expect(envelope.wrapped).toEqual(wrapped)
          expect(encodeEnvelope(envelope).equals(bytes)).toBe(true)
          expect(plaintextBytesMax(envelope)).toBeGreaterThanOrEqual(plaintext.length)
          expect(plaintextBytesMax(envelope) - plaintext.length).toBeLessThan(64)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('for the longest secret, and refuses a longer or an empty one', () => {
    using dek = generateDek()
    const longest = Buffer.alloc(49_148, 'x')
    expect(open(seal(longest, dek, EXAMPLE_CONTEXT), dek, EXAMPLE_CONTEXT).equals(longest)).toBe(true)
    for (const length of [0, 49_149]) {
      expect(() => seal(Buffer.alloc(length), dek, EXAMPLE_CONTEXT)).toThrow(
        expect.objectContaining({ code: 'invalid_input' }),
      )
    }
  })

  it('and two seals of one secret under one DEK share no ciphertext, message id or nonce', () => {
    using dek = generateDek()
    const [a, b] = [0, 1].map(() => decodeEnvelope(seal(Buffer.from('same'), dek, EXAMPLE_CONTEXT)))
    for (const part of ['ciphertext', 'messageId', 'nonce', 'commitment'] as const) {
      expect(a?.[part].equals(b?.[part] ?? Buffer.alloc(0))).toBe(false)
    }
  })

  it('and secrets whose lengths differ within one padding step make envelopes of one length', () => {
    using dek = generateDek()
    const lengths = [61, 100, 124].map(
      (length) => seal(Buffer.alloc(length, 'x'), dek, EXAMPLE_CONTEXT).length,
    )
    expect(new Set(lengths).size).toBe(1)
  })
})

describe('a sealed record that was changed', () => {
  it('is refused for every single-bit flip', () => {
    using dek = generateDek()
    const bytes = seal(Buffer.from('sk-example'), dek, EXAMPLE_CONTEXT)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(() => open(flipped, dek, EXAMPLE_CONTEXT), `bit ${bit}`).toThrow(EnvelopeError)
    }
  })

  it('is refused for every single-bit flip even by a record key that was kept from before', () => {
    using dek = generateDek()
    const bytes = seal(Buffer.from('sk-example'), dek, EXAMPLE_CONTEXT)
    const recordKey = deriveRecordKey({ dek, envelope: decodeEnvelope(bytes), context: EXAMPLE_CONTEXT })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const openFlipped = () => openSecret(recordKey, decodeEnvelope(flipped), EXAMPLE_CONTEXT)
      expect(openFlipped, `bit ${bit}`).toThrow(EnvelopeError)
    }
  })

  it('is refused under any other context', () => {
    fc.assert(
      fc.property(arbitraryContext, arbitraryContext, (sealedFor, openedFor) => {
        fc.pre(!canonicalAad(sealedFor).equals(canonicalAad(openedFor)))
        using dek = generateDek()
        const bytes = seal(Buffer.from('secret'), dek, sealedFor)
        expect(() => open(bytes, dek, openedFor)).toThrow(EnvelopeError)
      }),
    )
  })

  it.each(['org', 'record', 'purpose', 'provider', 'environment', 'kek', 'generation'] as const)(
    'is refused when only %s differs',
    (field) => {
      using dek = generateDek()
      const bytes = seal(Buffer.from('secret'), dek, EXAMPLE_CONTEXT)
      const other = { ...EXAMPLE_CONTEXT, purpose: 'canary', generation: 8 } as const
      const changed = { purpose: other.purpose, generation: other.generation } as const
      const context = {
        ...EXAMPLE_CONTEXT,
        ...(field === 'purpose' || field === 'generation'
          ? { [field]: changed[field] }
          : { [field]: `${EXAMPLE_CONTEXT[field]}x` }),
      }
      expect(() => open(bytes, dek, context)).toThrow(EnvelopeError)
      expect(open(bytes, dek, EXAMPLE_CONTEXT).toString()).toBe('secret')
    },
  )
})

describe("opening into a caller's buffer", () => {
  it('leaves the buffer untouched when the record is not authentic', () => {
    using dek = generateDek()
    const bytes = seal(Buffer.from('secret'), dek, EXAMPLE_CONTEXT)
    const recordKey = deriveRecordKey({ dek, envelope: decodeEnvelope(bytes), context: EXAMPLE_CONTEXT })
    const tampered = Buffer.from(bytes)
    tampered.writeUInt8(tampered.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    const out = Buffer.alloc(200, '.')
    expect(() =>
      openSecretInto(recordKey, decodeEnvelope(tampered), canonicalAad(EXAMPLE_CONTEXT), out, 0),
    ).toThrow(expect.objectContaining({ code: 'not_authentic' }))
    expect(out.every((byte) => byte === 0x2e)).toBe(true)
  })

  it.each([
    ['beyond the end', 195],
    ['before the start', -1],
    ['between two bytes', 0.5],
  ])('refuses an offset %s and writes nothing', (_, offset) => {
    using dek = generateDek()
    const envelope = decodeEnvelope(seal(Buffer.from('secret'), dek, EXAMPLE_CONTEXT))
    const recordKey = deriveRecordKey({ dek, envelope, context: EXAMPLE_CONTEXT })
    const out = Buffer.alloc(200, '.')
    expect(() => openSecretInto(recordKey, envelope, canonicalAad(EXAMPLE_CONTEXT), out, offset)).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
    expect(out.every((byte) => byte === 0x2e)).toBe(true)
  })

  it('fits exactly', () => {
    using dek = generateDek()
    const envelope = decodeEnvelope(seal(Buffer.from('secret'), dek, EXAMPLE_CONTEXT))
    const recordKey = deriveRecordKey({ dek, envelope, context: EXAMPLE_CONTEXT })
    const out = Buffer.alloc(8, '.')
    expect(openSecretInto(recordKey, envelope, canonicalAad(EXAMPLE_CONTEXT), out, 2)).toBe(6)
    expect(out.toString()).toBe('..secret')
  })
})

describe('a DEK of another length', () => {
  it.each([0, 16, 31, 33, 64])('of %i bytes is refused', (length) => {
    using dek = SecretBytes.alloc(length)
    expect(() => seal(Buffer.from('secret'), dek, EXAMPLE_CONTEXT)).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })
})
