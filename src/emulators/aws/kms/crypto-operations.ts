import { randomBytes } from 'node:crypto'
import { ServiceError, validationError } from '#emulators/aws/wire/service-error.ts'
import { dryRunSucceeded, ignoresCiphertext, stopDryRun } from './dry-run.ts'
import {
  encryptionContext,
  optionalChoice,
  optionalInteger,
  optionalText,
  requiredBlob,
  requiredText,
  type JsonObject,
} from './input.ts'
import { decryptBlob, encryptBlob, readBlobHeader, type ContextPairs } from './key-material.ts'
import { requireUsable } from './key-state.ts'
import type { KmsKey } from './kms-key.ts'
import { authorizeKey, findKey, type KmsCall, type KmsDeps, type Operation } from './operation.ts'

const PLAINTEXT_BYTES_MAX = 4096
const CIPHERTEXT_BYTES_MAX = 6144
const ALGORITHM = 'SYMMETRIC_DEFAULT'

/** The operations that use key material: the only ones a customer's KEK grants to anybody else. */
export const cryptoOperations: Readonly<Record<string, Operation>> = {
  Encrypt: { isReadOnly: true, run: encrypt },
  Decrypt: { isReadOnly: true, run: decrypt },
  ReEncrypt: { isReadOnly: true, run: reEncrypt },
  GenerateDataKey: { isReadOnly: true, run: (deps, call) => generateDataKey(deps, call, true) },
  GenerateDataKeyWithoutPlaintext: {
    isReadOnly: true,
    run: (deps, call) => generateDataKey(deps, call, false),
  },
}

/** Encrypt's reply, alone of its kind, does not name the material; CloudTrail does. */
function encrypt(deps: KmsDeps, call: KmsCall): JsonObject {
  const { input, audit } = call
  audit.requestDefaults = { encryptionAlgorithm: ALGORITHM }
  const plaintext = requiredBlob(input, 'Plaintext', PLAINTEXT_BYTES_MAX)
  requireSymmetric(input, 'EncryptionAlgorithm')
  const context = encryptionContext(input)
  const kmsKey = usableKey(deps, call, { member: 'KeyId', context })
  stopDryRun(input)
  audit.materialId = kmsKey.current.materialId
  return {
    CiphertextBlob: encryptBlob(kmsKey.current, kmsKey.keyId, plaintext, context).toString('base64'),
    KeyId: kmsKey.arn,
    EncryptionAlgorithm: ALGORITHM,
  }
}

function decrypt(deps: KmsDeps, call: KmsCall): JsonObject {
  const { input, audit } = call
  audit.requestDefaults = { encryptionAlgorithm: ALGORITHM }
  const opened = openBlob(deps, call, {
    keyMember: 'KeyId',
    algorithmMember: 'EncryptionAlgorithm',
    context: encryptionContext(input),
    action: 'kms:Decrypt',
  })
  stopDryRun(input)
  audit.materialId = opened.materialId
  const reply = {
    Plaintext: opened.plaintext.toString('base64'),
    KeyId: opened.kmsKey.arn,
    KeyMaterialId: opened.materialId,
    EncryptionAlgorithm: ALGORITHM,
  }
  opened.plaintext.fill(0)
  return reply
}

function reEncrypt(deps: KmsDeps, call: KmsCall): JsonObject {
  const { input, audit } = call
  audit.requestDefaults = { sourceEncryptionAlgorithm: ALGORITHM, destinationEncryptionAlgorithm: ALGORITHM }
  requireSymmetric(input, 'DestinationEncryptionAlgorithm')
  const context = encryptionContext(input, 'DestinationEncryptionContext')
  const source = openBlob(deps, call, {
    keyMember: 'SourceKeyId',
    algorithmMember: 'SourceEncryptionAlgorithm',
    context: encryptionContext(input, 'SourceEncryptionContext'),
    action: 'kms:ReEncryptFrom',
  })
  const kmsKey = usableKey(deps, call, { member: 'DestinationKeyId', context, action: 'kms:ReEncryptTo' })
  stopDryRun(input)
  audit.materialId = kmsKey.current.materialId
  const blob = encryptBlob(kmsKey.current, kmsKey.keyId, source.plaintext, context)
  source.plaintext.fill(0)
  return {
    CiphertextBlob: blob.toString('base64'),
    SourceKeyId: source.kmsKey.arn,
    KeyId: kmsKey.arn,
    SourceKeyMaterialId: source.materialId,
    DestinationKeyMaterialId: kmsKey.current.materialId,
    SourceEncryptionAlgorithm: ALGORITHM,
    DestinationEncryptionAlgorithm: ALGORITHM,
  }
}

function generateDataKey(deps: KmsDeps, call: KmsCall, withPlaintext: boolean): JsonObject {
  const { input, audit } = call
  const lengthBytes = dataKeyLength(input)
  const context = encryptionContext(input)
  const kmsKey = usableKey(deps, call, { member: 'KeyId', context })
  stopDryRun(input)
  const dataKey = randomBytes(lengthBytes)
  audit.materialId = kmsKey.current.materialId
  const reply = {
    CiphertextBlob: encryptBlob(kmsKey.current, kmsKey.keyId, dataKey, context).toString('base64'),
    ...(withPlaintext ? { Plaintext: dataKey.toString('base64') } : {}),
    KeyId: kmsKey.arn,
    KeyMaterialId: kmsKey.current.materialId,
  }
  dataKey.fill(0)
  return reply
}

function dataKeyLength(input: JsonObject): number {
  const spec = optionalChoice(input, 'KeySpec', ['AES_256', 'AES_128'])
  const bytes = optionalInteger(input, 'NumberOfBytes', { min: 1, max: 1024 })
  if ((spec === undefined) === (bytes === undefined)) {
    throw new ServiceError('ValidationException', 'Please specify either number of bytes or key spec.')
  }
  return bytes ?? (spec === 'AES_128' ? 16 : 32)
}

type KeyUse = Readonly<{ member: string; context: ContextPairs; action?: string }>

function usableKey(deps: KmsDeps, call: KmsCall, use: KeyUse): KmsKey {
  const lookup = findKey(deps, call, requiredText(call.input, use.member))
  const kmsKey = authorizeKey(call, lookup, {
    reach: 'cross-account',
    context: use.context,
    action: use.action ?? `kms:${call.operation}`,
  })
  requireUsable(kmsKey, deps.settings, call.nowMs)
  return kmsKey
}

type BlobUse = Readonly<{ keyMember: string; algorithmMember: string; context: ContextPairs; action: string }>

/** A blob names its own key; a `KeyId` in the request pins which one the caller expects. */
function openBlob(deps: KmsDeps, call: KmsCall, use: BlobUse) {
  const { input } = call
  if (ignoresCiphertext(input)) {
    const lookup = findKey(deps, call, requiredText(input, use.keyMember))
    authorizeKey(call, lookup, { reach: 'cross-account', context: use.context, action: use.action })
    throw dryRunSucceeded()
  }
  const blob = requiredBlob(input, 'CiphertextBlob', CIPHERTEXT_BYTES_MAX)
  requireSymmetric(input, use.algorithmMember)
  const pinned = optionalText(input, use.keyMember)
  const pinnedLookup = pinned === undefined ? undefined : findKey(deps, call, pinned)
  const header = readBlobHeader(blob)
  if (header === undefined) throw new ServiceError('InvalidCiphertextException')
  const blobKey = deps.keys.byId(header.keyId)
  const isHere = blobKey?.region === call.region
  const lookup = pinnedLookup ?? {
    kmsKey: isHere ? blobKey : undefined,
    accountId: isHere ? blobKey.accountId : '',
    region: call.region,
  }
  const kmsKey = authorizeKey(call, lookup, {
    reach: 'cross-account',
    context: use.context,
    action: use.action,
  })
  if (kmsKey.keyId !== header.keyId) {
    throw new ServiceError(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    )
  }
  requireUsable(kmsKey, deps.settings, call.nowMs)
  const material = kmsKey.materials.get(header.materialId)
  const plaintext = material && decryptBlob(material, blob, header, use.context)
  if (plaintext === undefined) throw new ServiceError('InvalidCiphertextException')
  return { kmsKey, plaintext, materialId: header.materialId }
}

function requireSymmetric(input: JsonObject, member: string): void {
  const known = [ALGORITHM, 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE'] as const
  const algorithm = optionalChoice(input, member, known) ?? ALGORITHM
  if (algorithm !== ALGORITHM) {
    throw new ServiceError(
      'InvalidKeyUsageException',
      `The algorithm ${algorithm} is not valid for this kmsKey.`,
    )
  }
  if (input['Recipient'] !== undefined)
    throw validationError('recipient', 'Member is not supported by the emulator')
}
