import { createCipheriv, createDecipheriv, createHash, randomBytes, type KeyObject } from 'node:crypto'

/** Where a ciphertext says that it comes from: not in clear, but so that the service recognises it. */
export type CiphertextOrigin = Readonly<{ keyTag: Buffer; version: number }>

const FORMAT = 0x0a
const TAG_BYTES_OF_NAME = 16
const HEADER_BYTES = 1 + TAG_BYTES_OF_NAME + 4
const IV_BYTES = 12
const TAG_BYTES = 16

/** `format ‖ tag of the key's name(16) ‖ version(4) ‖ iv(12) ‖ AES-256-GCM ciphertext ‖ tag(16)`, all authenticated. */
export function encryptUnder(
  material: KeyObject,
  keyName: string,
  version: number,
  plaintext: Uint8Array,
  additionalData: Uint8Array,
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(FORMAT)
  tagOf(keyName).copy(header, 1)
  header.writeUInt32BE(version, 1 + TAG_BYTES_OF_NAME)
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', material, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.concat([header, additionalData]))
  return Buffer.concat([header, iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** @returns undefined when the bytes are no ciphertext of this service */
export function originOf(ciphertext: Buffer): CiphertextOrigin | undefined {
  if (ciphertext[0] !== FORMAT || ciphertext.length < HEADER_BYTES + IV_BYTES + TAG_BYTES) return undefined
  return {
    keyTag: ciphertext.subarray(1, 1 + TAG_BYTES_OF_NAME),
    version: ciphertext.readUInt32BE(1 + TAG_BYTES_OF_NAME),
  }
}

export function isOfKey(origin: CiphertextOrigin, keyName: string): boolean {
  return origin.keyTag.equals(tagOf(keyName))
}

/** @returns undefined when the ciphertext or the additional data is not what was encrypted */
export function decryptUnder(
  material: KeyObject,
  ciphertext: Buffer,
  additionalData: Uint8Array,
): Buffer | undefined {
  const iv = ciphertext.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', material, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.concat([ciphertext.subarray(0, HEADER_BYTES), additionalData]))
  decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([
      decipher.update(ciphertext.subarray(HEADER_BYTES + IV_BYTES, -TAG_BYTES)),
      decipher.final(),
    ])
  } catch {
    return undefined
  }
}

function tagOf(keyName: string): Buffer {
  return createHash('sha256').update(keyName).digest().subarray(0, TAG_BYTES_OF_NAME)
}
