import { describe, expect, it } from 'vitest'
import { canonicalAad } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import { decodeEnvelope, encodeEnvelope } from '#envelope/format-v1.ts'
import { openSecret, openSecretInto } from '#envelope/open.ts'
import { deriveRecordKey } from '#envelope/record-key.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { fromHex, loadVectors } from '../../vectors/load.ts'
import { rawGcmOpen, referenceAad, referenceDerive } from '../../vectors/reference.ts'

const good = loadVectors('envelope-v1-good.json')
const refused = loadVectors('envelope-v1-refused.json')
const salamander = loadVectors('envelope-v1-salamander.json')

function open(vector: { envelope: string; dek: string; context: EncryptionContext }): string {
  using dek = SecretBytes.take(fromHex(vector.dek))
  const envelope = decodeEnvelope(fromHex(vector.envelope))
  const recordKey = deriveRecordKey({ dek, envelope, context: vector.context })
  using plaintext = openSecret(recordKey, envelope, vector.context)
  return plaintext.unsafeBytes().toString('hex')
}

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof EnvelopeError) return error.code
    throw error
  }
  return 'opened'
}

describe('a frozen good envelope', () => {
  it.each(good)('opens to its plaintext: $name', (vector) => {
    expect(open(vector)).toBe(vector.plaintext)
  })

  it.each(good)('opens into the middle of a buffer and touches nothing around it: $name', (vector) => {
    using dek = SecretBytes.take(fromHex(vector.dek))
    const envelope = decodeEnvelope(fromHex(vector.envelope))
    const recordKey = deriveRecordKey({ dek, envelope, context: vector.context })
    const plaintext = fromHex(vector.plaintext)
    const out = Buffer.alloc(plaintext.length + 20, '.')
    const written = openSecretInto(recordKey, envelope, canonicalAad(vector.context), out, 10)
    expect(written).toBe(plaintext.length)
    expect(out).toEqual(Buffer.concat([Buffer.alloc(10, '.'), plaintext, Buffer.alloc(10, '.')]))
  })

  it.each(good)('encodes back to the same bytes: $name', (vector) => {
    const bytes = fromHex(vector.envelope)
    expect(encodeEnvelope(decodeEnvelope(bytes)).equals(bytes)).toBe(true)
  })

  it.each(good)('has the AAD, key and commitment that the document describes: $name', (vector) => {
    const aad = canonicalAad(vector.context)
    expect(aad.toString('hex')).toBe(vector.aad)
    expect(referenceAad(vector.context).toString('hex')).toBe(vector.aad)
    const envelope = decodeEnvelope(fromHex(vector.envelope))
    const derived = referenceDerive(fromHex(vector.dek), envelope.messageId, aad)
    expect(derived.info.toString('hex')).toBe(vector.info)
    expect(derived.recordKey.toString('hex')).toBe(vector.recordKey)
    expect(derived.commitment.toString('hex')).toBe(vector.commitment)
    expect(envelope.commitment.toString('hex')).toBe(vector.commitment)
  })
})

describe('a frozen tampered envelope', () => {
  it.each(refused)('is refused as $code: $name', (vector) => {
    expect(codeOf(() => open(vector))).toBe(vector.code)
  })
})

describe('a salamander: one ciphertext, one tag, two DEKs', () => {
  const envelope = decodeEnvelope(fromHex(salamander.envelope))
  const aad = canonicalAad(salamander.context)
  const rawOpen = (dek: string): Buffer => {
    const { recordKey } = referenceDerive(fromHex(dek), envelope.messageId, aad)
    return rawGcmOpen({ ...envelope, recordKey, aad: Buffer.concat([envelope.header, aad]) })
  }

  it('is accepted by AES-GCM alone under both, with different plaintexts', () => {
    const first = rawOpen(salamander.acceptedDek)
    const second = rawOpen(salamander.refusedDek)
    expect(first).toHaveLength(envelope.ciphertext.length)
    expect(second).toHaveLength(envelope.ciphertext.length)
    expect(first.equals(second)).toBe(false)
  })

  it('opens in Hasp only under the DEK that it is committed to', () => {
    const { context, envelope: bytes, acceptedDek, refusedDek } = salamander
    expect(codeOf(() => open({ context, envelope: bytes, dek: acceptedDek }))).toBe('opened')
    expect(codeOf(() => open({ context, envelope: bytes, dek: refusedDek }))).toBe('commitment_mismatch')
  })
})
