import { createDecipheriv } from 'node:crypto'
import { canonicalAad } from './aad.ts'
import type { EncryptionContext } from './encryption-context.ts'
import { EnvelopeError } from './envelope-error.ts'
import { LENGTHS, type Envelope } from './format-v1.ts'
import { plaintextBytesMaxOf, unpadPlaintext } from './padding.ts'
import type { RecordKey } from './record-key.ts'
import { SecretBytes } from './secret-bytes.ts'

/**
 * Opens a sealed record; the caller disposes of what it gets.
 *
 * @throws {EnvelopeError} `not_authentic`, `invalid_context`; `malformed` when the padding is not canonical
 */
export function openSecret(
  recordKey: RecordKey,
  envelope: Envelope,
  context: EncryptionContext,
): SecretBytes {
  const padded = decryptPadded(recordKey, envelope, canonicalAad(context))
  try {
    return SecretBytes.take(unpadPlaintext(padded))
  } finally {
    padded.fill(0)
  }
}

/**
 * Opens a sealed record into `out` from `offset` on, for the hot path: `out` is the buffer that goes to the
 * socket. Nothing is written before AES-GCM has accepted the whole record, so `out` is untouched on failure.
 *
 * @param aad {@link canonicalAad} of the row's context; a caller may keep it with the row
 * @returns how many bytes were written: at most {@link plaintextBytesMax}
 * @throws {EnvelopeError} `not_authentic`, `malformed`; `invalid_input` when the secret does not fit
 */
export function openSecretInto(
  recordKey: RecordKey,
  envelope: Envelope,
  aad: Buffer,
  out: Buffer,
  offset: number,
): number {
  const padded = decryptPadded(recordKey, envelope, aad)
  try {
    const plaintext = unpadPlaintext(padded)
    if (!Number.isSafeInteger(offset) || offset < 0 || plaintext.length > out.length - offset) {
      throw new EnvelopeError('invalid_input', 'The secret does not fit into the given buffer.')
    }
    out.set(plaintext, offset)
    return plaintext.length
  } finally {
    padded.fill(0)
  }
}

/** Upper bound of the secret's length, known before it is opened: at most 63 bytes above the length itself. */
export function plaintextBytesMax(envelope: Envelope): number {
  return plaintextBytesMaxOf(envelope.ciphertext.length)
}

/** Node allocates what it decrypts into; that scratch is returned to be wiped, or wiped here on failure. */
function decryptPadded(recordKey: RecordKey, envelope: Envelope, aad: Buffer): Buffer {
  const { header, nonce, ciphertext, tag } = envelope
  // Without authTagLength Node would accept a tag of 4 bytes.
  const decipher = createDecipheriv('aes-256-gcm', recordKey.unsafeAeadKey(), nonce, {
    authTagLength: LENGTHS.tag,
  })
  decipher.setAuthTag(tag).setAAD(header).setAAD(aad)
  const padded = decipher.update(ciphertext)
  try {
    // Also frees OpenSSL's key schedule: a decipher that is never finalised keeps it alive.
    decipher.final()
    return padded
  } catch {
    padded.fill(0)
    throw new EnvelopeError('not_authentic', 'The sealed record is not authentic.')
  }
}
