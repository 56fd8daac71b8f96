import {
  constants,
  createCipheriv,
  createDecipheriv,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { badParameter } from '#emulators/azure/wire/vault-error.ts'
import type { Material } from './key.ts'

/** RFC 3394 §2.2.3.1. */
const KEY_WRAP_IV = Buffer.alloc(8, 0xa6)
const OAEP_HASHES: Readonly<Record<string, string>> = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256' }
const GCM_NONCE_BYTES = 12

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

/** RS256 and PS256 over a digest are not offered by Node; what is signed here is the digest as a message. */
export function signDigest(material: Material, alg: string, digest: Buffer): Buffer {
  return sign('sha256', digest, signingKey(material, alg, 'privateKey'))
}

export function verifyDigest(material: Material, alg: string, digest: Buffer, signature: Buffer): boolean {
  return verify('sha256', digest, signingKey(material, alg, 'publicKey'), signature)
}

function signingKey(material: Material, alg: string, half: 'privateKey' | 'publicKey') {
  if (material.kind !== 'rsa' || (alg !== 'RS256' && alg !== 'PS256')) throw unsupported(alg)
  const padding = alg === 'PS256' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  return { key: material[half], padding }
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
