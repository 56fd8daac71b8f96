import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { DEK_BYTES } from './check-request.ts'
import { KekFault } from './kek-fault.ts'

const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const WRAPPED_BYTES = 1 + NONCE_BYTES + DEK_BYTES + TAG_BYTES

/** AES-256-GCM as a wrap: `version(1) ‖ nonce(12) ‖ ciphertext(32) ‖ tag(16)`. */
export function wrapLocally(material: SecretBytes, dek: SecretBytes, aad: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(material.unsafeBytes()), nonce, {
    authTagLength: TAG_BYTES,
  })
  const ciphertext = cipher.setAAD(aad).update(dek.unsafeBytes())
  cipher.final()
  return Buffer.concat([Buffer.of(VERSION), nonce, ciphertext, cipher.getAuthTag()])
}

/** @throws {KekFault} `tampered` when `wrapped` is not what {@link wrapLocally} made of this KEK and AAD. */
export function unwrapLocally(material: SecretBytes, wrapped: Buffer, aad: Buffer): SecretBytes {
  if (wrapped.length !== WRAPPED_BYTES || wrapped[0] !== VERSION) throw tampered()
  const nonce = wrapped.subarray(1, 1 + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(material.unsafeBytes()), nonce, {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(aad).setAuthTag(wrapped.subarray(-TAG_BYTES))
  const dek = SecretBytes.take(decipher.update(wrapped.subarray(1 + NONCE_BYTES, -TAG_BYTES)))
  try {
    decipher.final()
    return dek
  } catch {
    dek[Symbol.dispose]()
    throw tampered()
  }
}

function tampered(): KekFault {
  return new KekFault(
    'tampered',
    'InvalidCiphertext',
    'The wrapped DEK or its context is not what was wrapped.',
  )
}
