import { createSecretKey, randomFillSync, timingSafeEqual, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import { canonicalAad } from './aad.ts'
import type { EncryptionContext } from './encryption-context.ts'
import { EnvelopeError } from './envelope-error.ts'
import { hkdfSha512 } from './hkdf.ts'
import { SUITE, type Envelope } from './format-v1.ts'
import { SecretBytes } from './secret-bytes.ts'

const DEK_BYTES = 32
const AEAD_KEY_BYTES = 32
const RECORD_KEY_DOMAIN = Buffer.from('hasp/record-key/v1', 'ascii')

/**
 * The AES-256-GCM key of one sealed record, whose commitment has been checked. Holds a KeyObject and no Buffer:
 * OpenSSL owns the bytes and cleanses them when it is collected, and a KeyObject decrypts 4.6 times faster.
 */
export class RecordKey {
  readonly #aead: KeyObject

  constructor(aead: KeyObject) {
    this.#aead = aead
  }

  /** For AES-GCM alone. Never export it. */
  unsafeAeadKey(): KeyObject {
    return this.#aead
  }

  toJSON(): string {
    return '[record key]'
  }

  [inspect.custom](): string {
    return '[record key]'
  }
}

/** 32 fresh random bytes, for one record: only a rewrap seals under it again, with another message id. */
export function generateDek(): SecretBytes {
  const dek = SecretBytes.alloc(DEK_BYTES)
  randomFillSync(dek.unsafeBytes())
  return dek
}

/**
 * Derives the key of `envelope` and checks, in constant time, that the envelope was sealed under this DEK and
 * this context. Only then can a key be had: AES-GCM alone does not commit to its key (Dodis et al. 2018), so one
 * ciphertext can open under two DEKs. Does not dispose of `dek`.
 *
 * @throws {EnvelopeError} `context_mismatch`, `commitment_mismatch`, `invalid_context`, `invalid_input`
 */
export function deriveRecordKey(input: {
  dek: SecretBytes
  envelope: Envelope
  context: EncryptionContext
}): RecordKey {
  const { dek, envelope, context } = input
  if (envelope.generation !== context.generation) {
    throw new EnvelopeError('context_mismatch', 'The envelope belongs to another generation of the record.')
  }
  const derived = deriveWithCommitment(dek, envelope.messageId, canonicalAad(context))
  if (!timingSafeEqual(derived.commitment, envelope.commitment)) {
    throw new EnvelopeError(
      'commitment_mismatch',
      'The DEK or the context is not the one this was sealed under.',
    )
  }
  return derived.recordKey
}

/**
 * HKDF-SHA-512 (RFC 5869): secret DEK, salt message id, info `domain ‖ suite ‖ AAD`. The first 32 bytes are the
 * key, the rest the commitment, which is public.
 */
export function deriveWithCommitment(
  dek: SecretBytes,
  messageId: Buffer,
  aad: Buffer,
): { recordKey: RecordKey; commitment: Buffer } {
  if (dek.length !== DEK_BYTES) throw new EnvelopeError('invalid_input', `A DEK must be ${DEK_BYTES} bytes.`)
  const info = Buffer.concat([RECORD_KEY_DOMAIN, Buffer.of(SUITE), aad])
  // Of the bytes and not of a KeyObject, which would hold the DEK until it is collected.
  const output = hkdfSha512(dek.unsafeBytes(), messageId, info)
  try {
    const recordKey = new RecordKey(createSecretKey(output.subarray(0, AEAD_KEY_BYTES)))
    return { recordKey, commitment: Buffer.from(output.subarray(AEAD_KEY_BYTES)) }
  } finally {
    output.fill(0)
  }
}
