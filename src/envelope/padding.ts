import { EnvelopeError } from './envelope-error.ts'
import { SecretBytes } from './secret-bytes.ts'

/** Every padded plaintext is a multiple of this, so that a record does not tell whose credential it holds. */
export const PADDING_BYTES = 64
const LENGTH_BYTES = 4

export const CIPHERTEXT_BYTES_MAX = 49_152

/** Longest secret that can be sealed. */
const PLAINTEXT_BYTES_MAX = CIPHERTEXT_BYTES_MAX - LENGTH_BYTES

/**
 * `uint32 length ‖ plaintext ‖ zeros`, the fewest zeros that reach a multiple of 64 bytes.
 *
 * @throws {EnvelopeError} `invalid_input` when `plaintext` is empty or too long.
 */
export function padPlaintext(plaintext: SecretBytes): SecretBytes {
  const { length } = plaintext
  if (length < 1 || length > PLAINTEXT_BYTES_MAX) {
    throw new EnvelopeError('invalid_input', `A secret must be 1 to ${PLAINTEXT_BYTES_MAX} bytes.`)
  }
  const padded = SecretBytes.alloc(paddedLength(length))
  padded.unsafeBytes().writeUInt32BE(length)
  padded.unsafeBytes().set(plaintext.unsafeBytes(), LENGTH_BYTES)
  return padded
}

/**
 * The view of the plaintext inside `padded`, which the caller wipes.
 *
 * @throws {EnvelopeError} `malformed` when the padding is not the canonical one.
 */
export function unpadPlaintext(padded: Buffer): Buffer {
  const length = padded.readUInt32BE()
  const end = LENGTH_BYTES + length
  if (length < 1 || paddedLength(length) !== padded.length || !isZeroFrom(padded, end)) {
    throw new EnvelopeError('malformed', 'The padding of the opened record is not canonical.')
  }
  return padded.subarray(LENGTH_BYTES, end)
}

function isZeroFrom(bytes: Buffer, start: number): boolean {
  for (let at = start; at < bytes.length; at += 1) if (bytes[at] !== 0) return false
  return true
}

/** The most bytes that opening a ciphertext of this length can give. */
export function plaintextBytesMaxOf(ciphertextBytes: number): number {
  return ciphertextBytes - LENGTH_BYTES
}

function paddedLength(length: number): number {
  return Math.ceil((LENGTH_BYTES + length) / PADDING_BYTES) * PADDING_BYTES
}
