import { createCipheriv, randomBytes } from 'node:crypto'
import { canonicalAad } from './aad.ts'
import type { EncryptionContext } from './encryption-context.ts'
import { encodeEnvelope, encodeHeader, LENGTHS, type EnvelopeParts } from './format-v1.ts'
import { padPlaintext } from './padding.ts'
import { deriveWithCommitment } from './record-key.ts'
import type { SecretBytes } from './secret-bytes.ts'

/**
 * Seals `plaintext` under a DEK that the customer's KEK has already wrapped. Every call draws a new message id,
 * so that no two seals share an AES-GCM key. Disposes of neither `plaintext` nor `dek`.
 *
 * @returns the encoded envelope (docs/envelope-format.md)
 * @throws {EnvelopeError} `invalid_input`, `invalid_context`, `malformed` when `wrapped` breaks a limit
 */
export function sealSecret(input: {
  plaintext: SecretBytes
  dek: SecretBytes
  wrapped: EnvelopeParts['wrapped']
  context: EncryptionContext
}): Buffer {
  const aad = canonicalAad(input.context)
  const messageId = randomBytes(LENGTHS.messageId)
  const nonce = randomBytes(LENGTHS.nonce)
  const { recordKey, commitment } = deriveWithCommitment(input.dek, messageId, aad)
  const parts = { wrapped: input.wrapped, generation: input.context.generation, messageId, commitment }

  using padded = padPlaintext(input.plaintext)
  const cipher = createCipheriv('aes-256-gcm', recordKey.unsafeAeadKey(), nonce, {
    authTagLength: LENGTHS.tag,
  })
  cipher.setAAD(encodeHeader(parts)).setAAD(aad)
  const ciphertext = cipher.update(padded.unsafeBytes())
  cipher.final()
  return encodeEnvelope({ ...parts, nonce, ciphertext, tag: cipher.getAuthTag() })
}
