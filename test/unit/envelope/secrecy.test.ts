import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { deriveRecordKey, generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { EXAMPLE_CONTEXT, EXAMPLE_WRAPPED } from './arbitraries.ts'

describe('a secret in memory', () => {
  it('is zero once disposed of, and says so instead of passing for an empty one', () => {
    const secret = SecretBytes.take(Buffer.from('sk-example'))
    const bytes = secret.unsafeBytes()
    secret[Symbol.dispose]()
    expect(bytes.every((byte) => byte === 0)).toBe(true)
    expect(() => secret.unsafeBytes()).toThrow('disposed')
    expect(() => secret.length).toThrow('disposed')
  })

  it('leaves no copy in the bytes that it was taken from', () => {
    const source = Buffer.from('sk-example')
    using secret = SecretBytes.take(source)
    expect(source.every((byte) => byte === 0)).toBe(true)
    expect(secret.unsafeBytes().toString()).toBe('sk-example')
  })

  it.each([1, 32, 64, 128, 500])('of %i bytes lies outside of the JavaScript heap', (length) => {
    using secret = SecretBytes.alloc(length)
    expect(secret.length).toBe(length)
    expect(secret.unsafeBytes().buffer.byteLength).toBeGreaterThanOrEqual(128)
  })

  it('shows nothing of itself to JSON, templates or inspect', () => {
    using secret = SecretBytes.take(Buffer.from('sk-example'))
    expect(`${JSON.stringify({ secret })} ${String(secret)} ${inspect({ secret })}`).not.toMatch(/sk-|115/)
  })
})

describe('a record key', () => {
  it('shows nothing of itself to JSON or inspect', () => {
    using dek = generateDek()
    using plaintext = SecretBytes.take(Buffer.from('secret'))
    const sealed = sealSecret({ plaintext, dek, wrapped: EXAMPLE_WRAPPED, context: EXAMPLE_CONTEXT })
    const recordKey = deriveRecordKey({ dek, envelope: decodeEnvelope(sealed), context: EXAMPLE_CONTEXT })
    expect(JSON.stringify({ recordKey })).toBe('{"recordKey":"[record key]"}')
    expect(inspect(recordKey, { showHidden: true, depth: 9 })).toBe('[record key]')
  })
})

describe('sealing', () => {
  it('leaves the plaintext and the DEK to their owner', () => {
    using dek = generateDek()
    using plaintext = SecretBytes.take(Buffer.from('secret'))
    const before = dek.unsafeBytes().toString('hex')
    sealSecret({ plaintext, dek, wrapped: EXAMPLE_WRAPPED, context: EXAMPLE_CONTEXT })
    expect(dek.unsafeBytes().toString('hex')).toBe(before)
    expect(plaintext.unsafeBytes().toString()).toBe('secret')
  })

  it('makes a fresh DEK of 32 bytes each time', () => {
    using a = generateDek()
    using b = generateDek()
    expect(a.length).toBe(32)
    expect(a.equals(b)).toBe(false)
  })
})
