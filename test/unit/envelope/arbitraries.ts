import * as fc from 'fast-check'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { EnvelopeParts } from '#envelope/format-v1.ts'

export const EXAMPLE_CONTEXT: EncryptionContext = {
  org: 'org-1',
  record: 'record-1',
  purpose: 'credential',
  provider: 'openai',
  environment: 'production',
  kek: 'kek-1',
  generation: 7,
}

export const EXAMPLE_WRAPPED: EnvelopeParts['wrapped'] = {
  algorithm: 'local-aes-256-gcm',
  kekRef: 'local:test',
  materialId: '0123456789abcdef',
  bytes: Buffer.alloc(61, 7),
}

/** Text as a row may hold it: in normal form C, no control characters, within `bytesMax` of UTF-8. */
const text = (bytesMax: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .map((value) => value.normalize('NFC'))
    .filter((value) => Buffer.byteLength(value) <= bytesMax && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value))

export const arbitraryContext: fc.Arbitrary<EncryptionContext> = fc.record({
  org: fc.uuid(),
  record: text(64),
  purpose: fc.constantFrom('credential', 'canary'),
  provider: text(64),
  environment: text(400),
  kek: fc.uuid(),
  generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
})

const printable = (minLength: number, maxLength: number) =>
  fc
    .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength, maxLength })
    .map((codes) => String.fromCharCode(...codes))

export const arbitraryWrapped: fc.Arbitrary<EnvelopeParts['wrapped']> = fc.record({
  algorithm: fc.constantFrom('aws-symmetric-default', 'local-aes-256-gcm'),
  kekRef: printable(1, 1024),
  materialId: printable(0, 255),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8192 }).map((bytes) => Buffer.from(bytes)),
})
