import type { Message } from '#emulators/google/wire/protobuf.ts'
import { crc32c } from '#emulators/google/wire/crc32c.ts'
import { invalidArgument, StatusError } from '#emulators/google/wire/status-error.ts'
import { decryptUnder, encryptUnder, isOfKey, originOf } from './key-material.ts'
import { kmsMethod } from './kms-method.ts'
import {
  authorizedKey,
  requiredText,
  requireVersion,
  splitVersionName,
  type KmsCall,
  type KmsDeps,
  type Method,
} from './method.ts'
import type { CryptoKey, CryptoKeyVersion } from './resources.ts'
import { requireEnabled } from './version-state.ts'

const BYTES_MAX = 64 * 1024
/** Of plaintext and additional data together, for keys in hardware. */
const HSM_BYTES_MAX = 8 * 1024

/** What uses key material: all that a customer's KEK grants to anybody else. */
export const cryptoMethods: readonly Method[] = [
  kmsMethod(
    'Encrypt',
    { request: 'EncryptRequest', reply: 'EncryptResponse' },
    { log: 'DATA_WRITE', run: encrypt },
  ),
  kmsMethod(
    'Decrypt',
    { request: 'DecryptRequest', reply: 'DecryptResponse' },
    { log: 'DATA_READ', run: decrypt },
  ),
]

function encrypt(deps: KmsDeps, call: KmsCall): Message {
  const { request } = call
  const { keyName, version: wanted } = splitVersionName(requiredText(request, 'name'))
  const cryptoKey = authorizedKey(deps, call, 'cloudkms.cryptoKeyVersions.useToEncrypt', keyName)
  requireSymmetric(cryptoKey, 'Encrypt')
  const plaintext = bytesOf(request, 'plaintext')
  const additionalData = bytesOf(request, 'additionalAuthenticatedData')
  requireFitting(cryptoKey, plaintext, additionalData)
  const isPlaintextVerified = verifyChecksum(call, 'plaintext', plaintext)
  const isAdditionalDataVerified = verifyChecksum(call, 'additionalAuthenticatedData', additionalData)
  const number = wanted ?? cryptoKey.primary
  if (number === undefined) {
    throw new StatusError('FAILED_PRECONDITION', `CryptoKey ${keyName} does not have a primary version.`)
  }
  const version = usableVersion(deps, call, cryptoKey, number)
  const ciphertext = encryptUnder(materialOf(version), cryptoKey.name, number, plaintext, additionalData)
  return {
    name: version.name,
    ciphertext,
    ciphertextCrc32c: { value: crc32c(ciphertext) },
    verifiedPlaintextCrc32c: isPlaintextVerified,
    verifiedAdditionalAuthenticatedDataCrc32c: isAdditionalDataVerified,
    protectionLevel: cryptoKey.protectionLevel,
  }
}

function decrypt(deps: KmsDeps, call: KmsCall): Message {
  const { request } = call
  const name = requiredText(request, 'name')
  if (splitVersionName(name).version !== undefined) {
    throw invalidArgument(`Decrypt takes the name of a CryptoKey, not of a version: ${name}`)
  }
  const cryptoKey = authorizedKey(deps, call, 'cloudkms.cryptoKeyVersions.useToDecrypt', name)
  requireSymmetric(cryptoKey, 'Decrypt')
  const ciphertext = bytesOf(request, 'ciphertext')
  const additionalData = bytesOf(request, 'additionalAuthenticatedData')
  verifyChecksum(call, 'ciphertext', ciphertext)
  verifyChecksum(call, 'additionalAuthenticatedData', additionalData)
  const origin = originOf(ciphertext)
  if (origin === undefined) throw invalidArgument('Decryption failed: the ciphertext is invalid.')
  const known = isOfKey(origin, cryptoKey.name)
    ? deps.resources.version(cryptoKey, origin.version)
    : undefined
  if (known === undefined) {
    throw invalidArgument("Decryption failed: verify that 'name' refers to the correct CryptoKey.")
  }
  const version = usableVersion(deps, call, cryptoKey, known.number)
  const plaintext = decryptUnder(materialOf(version), ciphertext, additionalData)
  if (plaintext === undefined) {
    throw invalidArgument(
      "Decryption failed: verify that 'name' refers to the correct CryptoKey and that 'additional_authenticated_data' is what was encrypted with.",
    )
  }
  return {
    plaintext,
    plaintextCrc32c: { value: crc32c(plaintext) },
    usedPrimary: cryptoKey.primary === version.number,
    protectionLevel: cryptoKey.protectionLevel,
  }
}

function usableVersion(deps: KmsDeps, call: KmsCall, cryptoKey: CryptoKey, number: number): CryptoKeyVersion {
  const version = requireVersion(deps, cryptoKey, number)
  requireEnabled(version, call.nowMs)
  return version
}

function materialOf({ material }: CryptoKeyVersion) {
  // A destroyed version was refused before; what is left over is a fault of the emulator.
  if (material === undefined) throw new StatusError('INTERNAL', 'The version has no material.')
  return material
}

function requireSymmetric({ name, purpose }: CryptoKey, operation: string): void {
  if (purpose === 'ENCRYPT_DECRYPT') return
  throw invalidArgument(`The purpose ${purpose} of ${name} does not support ${operation}.`)
}

function requireFitting({ protectionLevel }: CryptoKey, plaintext: Buffer, additionalData: Buffer): void {
  if (plaintext.length > BYTES_MAX || additionalData.length > BYTES_MAX) {
    throw invalidArgument(
      `The plaintext and the additional_authenticated_data must be at most ${BYTES_MAX} bytes.`,
    )
  }
  if (protectionLevel === 'HSM' && plaintext.length + additionalData.length > HSM_BYTES_MAX) {
    throw invalidArgument(
      `The plaintext and the additional_authenticated_data of a key in an HSM must be at most ${HSM_BYTES_MAX} bytes together.`,
    )
  }
}

function bytesOf(request: Message, member: string): Buffer {
  const value = request[member]
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}

/** @returns whether there was a checksum to verify @throws {StatusError} INVALID_ARGUMENT for one that does not fit */
function verifyChecksum({ isDamaged, request }: KmsCall, member: string, bytes: Buffer): boolean {
  const given = request[`${member}Crc32c`]
  if (typeof given !== 'object' || given === null || !('value' in given)) return false
  if (Number(given.value) !== crc32c(bytes) || isDamaged) {
    const field = member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    throw invalidArgument(`The checksum in field ${field}_crc32c did not match the data in field ${field}.`)
  }
  return true
}
