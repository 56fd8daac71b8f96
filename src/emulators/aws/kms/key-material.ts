import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
  randomFillSync,
  type KeyObject,
} from 'node:crypto'

/** One generation of a KMS key's secret. Its id is what replies and CloudTrail call `KeyMaterialId`. */
export type KeyMaterial = Readonly<{ materialId: string; secret: KeyObject; createdAtMs: number }>

export type ContextPairs = readonly (readonly [name: string, value: string])[]

export type CiphertextHeader = Readonly<{ keyId: string; materialId: string; headerLength: number }>

const BLOB_VERSION = 1
const MATERIAL_ID_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16

export function createKeyMaterial(nowMs: number): KeyMaterial {
  const bytes = randomBytes(32)
  const material = {
    materialId: randomBytes(MATERIAL_ID_BYTES).toString('hex'),
    secret: createSecretKey(bytes),
    createdAtMs: nowMs,
  }
  bytes.fill(0)
  return material
}

/**
 * A CiphertextBlob: `version ‖ keyIdLength ‖ keyId ‖ materialId(32) ‖ iv(12) ‖ AES-256-GCM ciphertext ‖ tag(16)`,
 * the header and the encryption context authenticated. Only the holder of the material can open it.
 */
export function encryptBlob(
  material: KeyMaterial,
  keyId: string,
  plaintext: Uint8Array,
  context: ContextPairs,
): Buffer {
  const header = Buffer.concat([
    Buffer.from([BLOB_VERSION, keyId.length]),
    Buffer.from(keyId, 'latin1'),
    Buffer.from(material.materialId, 'hex'),
  ])
  const iv = randomFillSync(Buffer.allocUnsafe(IV_BYTES))
  const cipher = createCipheriv('aes-256-gcm', material.secret, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData(header, context))
  return Buffer.concat([header, iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** @returns undefined when the bytes are no blob of this service */
export function readBlobHeader(blob: Buffer): CiphertextHeader | undefined {
  const keyIdLength = blob[1] ?? 0
  const headerLength = 2 + keyIdLength + MATERIAL_ID_BYTES
  if (blob[0] !== BLOB_VERSION || blob.length < headerLength + IV_BYTES + TAG_BYTES) return undefined
  return {
    keyId: blob.toString('latin1', 2, 2 + keyIdLength),
    materialId: blob.toString('hex', 2 + keyIdLength, headerLength),
    headerLength,
  }
}

/** @returns undefined when the blob, its header or the context is not what was encrypted */
export function decryptBlob(
  material: KeyMaterial,
  blob: Buffer,
  header: CiphertextHeader,
  context: ContextPairs,
): Buffer | undefined {
  const bodyStart = header.headerLength + IV_BYTES
  const decipher = createDecipheriv(
    'aes-256-gcm',
    material.secret,
    blob.subarray(header.headerLength, bodyStart),
    {
      authTagLength: TAG_BYTES,
    },
  )
  decipher.setAAD(additionalData(blob.subarray(0, header.headerLength), context))
  decipher.setAuthTag(blob.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(blob.subarray(bodyStart, -TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}

/** Length-prefixed and sorted, so that `{"a":"bc"}` and `{"ab":"c"}` differ and order does not matter. */
function additionalData(header: Uint8Array, context: ContextPairs): Buffer {
  const parts: Uint8Array[] = [header]
  const sorted = context.length < 2 ? context : context.toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, value] of sorted) parts.push(lengthPrefixed(name), lengthPrefixed(value))
  return Buffer.concat(parts)
}

function lengthPrefixed(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(4 + length)
  bytes.writeUInt32BE(length)
  bytes.write(text, 4)
  return bytes
}
