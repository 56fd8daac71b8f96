import type { Message } from '#emulators/google/wire/protobuf.ts'
import { invalidArgument } from '#emulators/google/wire/status-error.ts'
import { kmsMethod } from './kms-method.ts'
import { cryptoKeyMessage, keyRingMessage } from './messages.ts'
import {
  authorize,
  authorizedKey,
  authorizedKeyRing,
  messageIn,
  requireApi,
  requiredText,
  type KmsCall,
  type KmsDeps,
  type Method,
} from './method.ts'
import { protectionLevels, purposes } from './resources.ts'

/** What the owner of key rings and keys does with them: create, look, label. */
export const keyMethods: readonly Method[] = [
  kmsMethod(
    'CreateKeyRing',
    { request: 'CreateKeyRingRequest', reply: 'KeyRing' },
    { log: 'ADMIN_WRITE', run: createKeyRing },
  ),
  kmsMethod(
    'GetKeyRing',
    { request: 'GetKeyRingRequest', reply: 'KeyRing' },
    { log: 'ADMIN_READ', run: getKeyRing },
  ),
  kmsMethod(
    'CreateCryptoKey',
    { request: 'CreateCryptoKeyRequest', reply: 'CryptoKey' },
    { log: 'ADMIN_WRITE', run: createCryptoKey },
  ),
  kmsMethod(
    'GetCryptoKey',
    { request: 'GetCryptoKeyRequest', reply: 'CryptoKey' },
    { log: 'ADMIN_READ', run: getCryptoKey },
  ),
  kmsMethod(
    'UpdateCryptoKey',
    { request: 'UpdateCryptoKeyRequest', reply: 'CryptoKey' },
    { log: 'ADMIN_WRITE', run: updateCryptoKey },
  ),
  kmsMethod(
    'ListCryptoKeys',
    { request: 'ListCryptoKeysRequest', reply: 'ListCryptoKeysResponse' },
    { log: 'ADMIN_READ', run: listCryptoKeys },
  ),
]

function createKeyRing(deps: KmsDeps, call: KmsCall): Message {
  const parent = requiredText(call.request, 'parent')
  call.audit.resourceName = `${parent}/keyRings/${requiredText(call.request, 'keyRingId')}`
  requireApi(deps.resources.project(parent))
  authorize(deps, call, 'cloudkms.keyRings.create', parent)
  const keyRing = deps.resources.addKeyRing(parent, requiredText(call.request, 'keyRingId'))
  call.audit.resource = keyRing
  return keyRingMessage(keyRing)
}

function getKeyRing(deps: KmsDeps, call: KmsCall): Message {
  return keyRingMessage(
    authorizedKeyRing(deps, call, 'cloudkms.keyRings.get', requiredText(call.request, 'name')),
  )
}

function createCryptoKey(deps: KmsDeps, call: KmsCall): Message {
  const parent = requiredText(call.request, 'parent')
  authorizedKeyRing(deps, call, 'cloudkms.cryptoKeys.create', parent)
  const wanted = messageIn(call.request, 'cryptoKey')
  const purpose = purposes.find((known) => known === wanted['purpose'])
  if (purpose === undefined) throw invalidArgument('The crypto_key.purpose is missing.')
  const { protectionLevel } = messageIn(wanted, 'versionTemplate')
  const cryptoKey = deps.resources.addCryptoKey(parent, requiredText(call.request, 'cryptoKeyId'), {
    purpose,
    protectionLevel: protectionLevels.find((known) => known === protectionLevel),
    destroyScheduledMs: durationMs(wanted['destroyScheduledDuration']),
    labels: labelsIn(wanted),
  })
  call.audit.resource = cryptoKey
  call.audit.resourceName = cryptoKey.name
  return cryptoKeyMessage(cryptoKey)
}

function getCryptoKey(deps: KmsDeps, call: KmsCall): Message {
  return cryptoKeyMessage(
    authorizedKey(deps, call, 'cloudkms.cryptoKeys.get', requiredText(call.request, 'name')),
  )
}

/** Labels alone: whatever else a mask names, the emulator's keys do not change. */
function updateCryptoKey(deps: KmsDeps, call: KmsCall): Message {
  const wanted = messageIn(call.request, 'cryptoKey')
  const cryptoKey = authorizedKey(deps, call, 'cloudkms.cryptoKeys.update', requiredText(wanted, 'name'))
  const { paths } = messageIn(call.request, 'updateMask')
  if (!Array.isArray(paths) || paths.length !== 1 || paths[0] !== 'labels') {
    throw invalidArgument('The emulator updates only the labels of a key: update_mask=labels.')
  }
  cryptoKey.labels = labelsIn(wanted)
  return cryptoKeyMessage(cryptoKey)
}

function listCryptoKeys(deps: KmsDeps, call: KmsCall): Message {
  const parent = requiredText(call.request, 'parent')
  authorizedKeyRing(deps, call, 'cloudkms.cryptoKeys.list', parent)
  const cryptoKeys = deps.resources.list('cryptoKey', parent).map((cryptoKey) => cryptoKeyMessage(cryptoKey))
  return { cryptoKeys, totalSize: cryptoKeys.length }
}

function labelsIn(wanted: Message): Record<string, string> {
  const labels = Object.entries(messageIn(wanted, 'labels'))
  return Object.fromEntries(labels.map(([name, value]) => [name, String(value)]))
}

function durationMs(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('seconds' in value)) return undefined
  return Number(value.seconds) * 1000
}
