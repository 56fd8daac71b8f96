import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'

/**
 * A second implementation of envelope v1, written from docs/envelope-format.md with node:crypto alone and none of
 * Hasp's code: it made the frozen vectors, and the product is tested against it. It wipes nothing and checks
 * little; it must never be used for a real secret.
 */
export type ReferenceContext = {
  org: string
  record: string
  purpose: 'credential' | 'canary'
  provider: string
  environment: string
  kek: string
  generation: number
}

export type ReferenceParts = {
  kekProvider: number
  kekRef: string
  materialId: string
  messageId: Buffer
  wrapAlgorithm: number
  wrappedDek: Buffer
  nonce: Buffer
}

export function referenceAad(context: ReferenceContext): Buffer {
  const fields = ['environment', 'generation', 'kek', 'org', 'provider', 'purpose', 'record'] as const
  const encoded = fields.flatMap((field) => [
    prefixed(2, Buffer.from(`hasp:${field}`)),
    prefixed(2, Buffer.from(String(context[field]))),
  ])
  return Buffer.concat([Buffer.from('hasp/aad/v1'), uint(2, fields.length), ...encoded])
}

export function referenceDerive(dek: Buffer, messageId: Buffer, aad: Buffer) {
  const info = Buffer.concat([Buffer.from('hasp/record-key/v1'), Buffer.of(1), aad])
  const output = Buffer.from(hkdfSync('sha512', dek, messageId, info, 64))
  return { info, recordKey: output.subarray(0, 32), commitment: output.subarray(32) }
}

export function referencePad(plaintext: Buffer): Buffer {
  const unpadded = prefixed(4, plaintext)
  return Buffer.concat([unpadded, Buffer.alloc((64 - (unpadded.length % 64)) % 64)])
}

export function referenceHeader(parts: ReferenceParts, generation: number, commitment: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from('HASP'),
    Buffer.of(1, 1, parts.kekProvider),
    prefixed(2, Buffer.from(parts.kekRef)),
    prefixed(1, Buffer.from(parts.materialId)),
    uint(8, generation),
    parts.messageId,
    Buffer.of(parts.wrapAlgorithm),
    prefixed(2, parts.wrappedDek),
    commitment,
  ])
}

/** Seals bytes that are already padded, canonically or (for the vectors that must be refused) not. */
export function referenceSealPadded(input: {
  padded: Buffer
  dek: Buffer
  parts: ReferenceParts
  context: ReferenceContext
}): Buffer {
  const { padded, dek, parts, context } = input
  const aad = referenceAad(context)
  const { recordKey, commitment } = referenceDerive(dek, parts.messageId, aad)
  const header = referenceHeader(parts, context.generation, commitment)
  const cipher = createCipheriv('aes-256-gcm', recordKey, parts.nonce, { authTagLength: 16 })
  cipher.setAAD(Buffer.concat([header, aad]))
  const ciphertext = Buffer.concat([cipher.update(padded), cipher.final()])
  return Buffer.concat([header, parts.nonce, prefixed(4, ciphertext), cipher.getAuthTag()])
}

/** Plain AES-256-GCM without any check of ours; throws when the tag does not verify. */
export function rawGcmOpen(input: { recordKey: Buffer; nonce: Buffer; aad: Buffer; ciphertext: Buffer; tag: Buffer }) {
  const decipher = createDecipheriv('aes-256-gcm', input.recordKey, input.nonce, { authTagLength: 16 })
  decipher.setAAD(input.aad).setAuthTag(input.tag)
  return Buffer.concat([decipher.update(input.ciphertext), decipher.final()])
}

function prefixed(lengthBytes: number, bytes: Buffer): Buffer {
  return Buffer.concat([uint(lengthBytes, bytes.length), bytes])
}

function uint(bytes: number, value: number): Buffer {
  return Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')
}
