import {
  constants,
  createCipheriv,
  createDecipheriv,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { badParameter } from '#emulators/azure/wire/vault-error.ts'
import type { Material } from './key.ts'

/** RFC 3394 §2.2.3.1. */
const KEY_WRAP_IV = Buffer.alloc(8, 0xa6)
const OAEP_HASHES: Readonly<Record<string, string>> = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256' }
const GCM_NONCE_BYTES = 12
/** RFC 8017 §9.2, note 1. */
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex')

type Sealed = { value: Buffer; iv?: Buffer; tag?: Buffer }

/** `encrypt` and `wrapKey`: the same mathematics under two permissions. @throws {VaultError} */
export function seal(material: Material, alg: string, value: Buffer, aad: Buffer): Sealed {
  const oaepHash = OAEP_HASHES[alg]
  if (material.kind === 'rsa' && oaepHash !== undefined) {
    return {
      value: orBadParameter(() =>
        publicEncrypt(
          { key: material.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash },
          value,
        ),
      ),
    }
  }
  if (material.kind === 'oct' && alg === 'A256KW') {
    return {
      value: orBadParameter(() => {
        const cipher = createCipheriv('id-aes256-wrap', material.secret, KEY_WRAP_IV)
        return Buffer.concat([cipher.update(value), cipher.final()])
      }),
    }
  }
  if (material.kind === 'oct' && alg === 'A256GCM') {
    const iv = randomBytes(GCM_NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', material.secret, iv).setAAD(aad)
    return { value: Buffer.concat([cipher.update(value), cipher.final()]), iv, tag: cipher.getAuthTag() }
  }
  throw unsupported(alg)
}

/** `decrypt` and `unwrapKey`. @throws {VaultError} 400 for whatever does not open */
export function unseal(material: Material, alg: string, sealed: Sealed, aad: Buffer): Buffer {
  const oaepHash = OAEP_HASHES[alg]
  if (material.kind === 'rsa' && oaepHash !== undefined) {
    return orBadParameter(() =>
      privateDecrypt(
        { key: material.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash },
        sealed.value,
      ),
    )
  }
  if (material.kind === 'oct' && alg === 'A256KW') {
    return orBadParameter(() => {
      const decipher = createDecipheriv('id-aes256-wrap', material.secret, KEY_WRAP_IV)
      return Buffer.concat([decipher.update(sealed.value), decipher.final()])
    })
  }
  if (material.kind === 'oct' && alg === 'A256GCM') {
    return orBadParameter(() => {
      const decipher = createDecipheriv('aes-256-gcm', material.secret, sealed.iv ?? Buffer.alloc(0), {
        authTagLength: 16,
      })
      decipher.setAAD(aad).setAuthTag(sealed.tag ?? Buffer.alloc(0))
      return Buffer.concat([decipher.update(sealed.value), decipher.final()])
    })
  }
  throw unsupported(alg)
}

/** RS256 (RSASSA-PKCS1-v1_5, RFC 8017 §8.2) over a digest that was made elsewhere. @throws {VaultError} */
export function signDigest(material: Material, alg: string, digest: Buffer): Buffer {
  const { privateKey } = signing(material, alg)
  return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo(digest))
}

export function verifyDigest(material: Material, alg: string, digest: Buffer, signature: Buffer): boolean {
  const { publicKey } = signing(material, alg)
  try {
    const signed = publicDecrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, signature)
    return signed.equals(digestInfo(digest))
  } catch {
    return false
  }
}

function signing(material: Material, alg: string): Extract<Material, { kind: 'rsa' }> {
  if (material.kind !== 'rsa' || alg !== 'RS256') throw unsupported(alg)
  return material
}

function digestInfo(digest: Buffer): Buffer {
  if (digest.length !== 32) throw badParameter('Invalid length of the value: 32 bytes are expected.')
  return Buffer.concat([SHA256_DIGEST_INFO, digest])
}

function unsupported(alg: string) {
  return badParameter(`Key and algorithm are incompatible: ${alg.slice(0, 32)}`)
}

function orBadParameter<Result>(run: () => Result): Result {
  try {
    return run()
  } catch {
    throw badParameter('The parameter is incorrect.\r\n')
  }
}
