import type { Message } from '#emulators/google/wire/protobuf.ts'
import { invalidArgument, StatusError } from '#emulators/google/wire/status-error.ts'
import { kmsMethod } from './kms-method.ts'
import { cryptoKeyMessage, keyRingMessage, versionMessage } from './messages.ts'
import {
  authorize,
  authorizedKey,
  authorizedKeyRing,
  requireApi,
  requiredText,
  splitVersionName,
  type KmsCall,
  type KmsDeps,
  type Method,
} from './method.ts'
import { notFound } from './resource-store.ts'
import {
  protectionLevels,
  purposes,
  type CryptoKey,
  type CryptoKeyVersion,
  type VersionState,
} from './resources.ts'

/** What the owner of a key does with it: create, look, rotate, disable, destroy. */
export const lifecycleMethods: readonly Method[] = [
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
  kmsMethod(
    'CreateCryptoKeyVersion',
    { request: 'CreateCryptoKeyVersionRequest', reply: 'CryptoKeyVersion' },
    { log: 'ADMIN_WRITE', run: createVersion },
  ),
  kmsMethod(
    'GetCryptoKeyVersion',
    { request: 'GetCryptoKeyVersionRequest', reply: 'CryptoKeyVersion' },
    { log: 'ADMIN_READ', run: getVersion },
  ),
  kmsMethod(
    'ListCryptoKeyVersions',
    { request: 'ListCryptoKeyVersionsRequest', reply: 'ListCryptoKeyVersionsResponse' },
    { log: 'ADMIN_READ', run: listVersions },
  ),
  kmsMethod(
    'UpdateCryptoKeyVersion',
    { request: 'UpdateCryptoKeyVersionRequest', reply: 'CryptoKeyVersion' },
    { log: 'ADMIN_WRITE', run: updateVersion },
  ),
  kmsMethod(
    'UpdateCryptoKeyPrimaryVersion',
    { request: 'UpdateCryptoKeyPrimaryVersionRequest', reply: 'CryptoKey' },
    { log: 'ADMIN_WRITE', run: updatePrimary },
  ),
  kmsMethod(
    'DestroyCryptoKeyVersion',
    { request: 'DestroyCryptoKeyVersionRequest', reply: 'CryptoKeyVersion' },
    { log: 'ADMIN_WRITE', run: destroyVersion },
  ),
  kmsMethod(
    'RestoreCryptoKeyVersion',
    { request: 'RestoreCryptoKeyVersionRequest', reply: 'CryptoKeyVersion' },
    { log: 'ADMIN_WRITE', run: restoreVersion },
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
  const wanted = recordIn(call.request, 'cryptoKey')
  const purpose = purposes.find((known) => known === wanted['purpose'])
  if (purpose === undefined) throw invalidArgument('The crypto_key.purpose is missing.')
  const { protectionLevel } = recordIn(wanted, 'versionTemplate')
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
  const wanted = recordIn(call.request, 'cryptoKey')
  const cryptoKey = authorizedKey(deps, call, 'cloudkms.cryptoKeys.update', requiredText(wanted, 'name'))
  const { paths } = recordIn(call.request, 'updateMask')
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

/** A new version does not become the primary one by itself. */
function createVersion(deps: KmsDeps, call: KmsCall): Message {
  const cryptoKey = authorizedKey(
    deps,
    call,
    'cloudkms.cryptoKeyVersions.create',
    requiredText(call.request, 'parent'),
  )
  return versionMessage(cryptoKey, deps.resources.addVersion(cryptoKey))
}

function getVersion(deps: KmsDeps, call: KmsCall): Message {
  const { cryptoKey, version } = named(deps, call, 'get', requiredText(call.request, 'name'))
  return versionMessage(cryptoKey, version)
}

function listVersions(deps: KmsDeps, call: KmsCall): Message {
  const cryptoKey = authorizedKey(
    deps,
    call,
    'cloudkms.cryptoKeyVersions.list',
    requiredText(call.request, 'parent'),
  )
  const cryptoKeyVersions = [...cryptoKey.versions.keys()].flatMap((number) => {
    const version = deps.resources.version(cryptoKey, number)
    return version === undefined ? [] : [versionMessage(cryptoKey, version)]
  })
  return { cryptoKeyVersions, totalSize: cryptoKeyVersions.length }
}

/** Enables and disables. Disabling is eventually consistent, enabling strongly (Cloud KMS, "Resource consistency"). */
function updateVersion(deps: KmsDeps, call: KmsCall): Message {
  const wanted = recordIn(call.request, 'cryptoKeyVersion')
  const { cryptoKey, version } = named(deps, call, 'update', requiredText(wanted, 'name'))
  const state = wanted['state']
  if (state !== 'ENABLED' && state !== 'DISABLED') {
    throw invalidArgument('A version can be updated to ENABLED or DISABLED alone.')
  }
  requireState(version, ['ENABLED', 'DISABLED'])
  version.state.set(state, call.nowMs, state === 'ENABLED' ? 0 : deps.settings.effectDelayMs)
  return versionMessage(cryptoKey, version)
}

function updatePrimary(deps: KmsDeps, call: KmsCall): Message {
  const cryptoKey = authorizedKey(
    deps,
    call,
    'cloudkms.cryptoKeys.update',
    requiredText(call.request, 'name'),
  )
  const number = Number(requiredText(call.request, 'cryptoKeyVersionId'))
  const version = deps.resources.version(cryptoKey, number)
  if (version === undefined)
    throw notFound('CryptoKeyVersion', `${cryptoKey.name}/cryptoKeyVersions/${number}`)
  requireState(version, ['ENABLED'])
  cryptoKey.primary = version.number
  return cryptoKeyMessage(cryptoKey)
}

function destroyVersion(deps: KmsDeps, call: KmsCall): Message {
  const { cryptoKey, version } = named(deps, call, 'destroy', requiredText(call.request, 'name'))
  requireState(version, ['ENABLED', 'DISABLED'])
  version.destroyAtMs = call.nowMs + cryptoKey.destroyScheduledMs
  version.state.set('DESTROY_SCHEDULED', call.nowMs, deps.settings.effectDelayMs)
  return versionMessage(cryptoKey, version)
}

/** The version comes back disabled, never enabled. */
function restoreVersion(deps: KmsDeps, call: KmsCall): Message {
  const { cryptoKey, version } = named(deps, call, 'restore', requiredText(call.request, 'name'))
  requireState(version, ['DESTROY_SCHEDULED'])
  version.destroyAtMs = undefined
  version.state.set('DISABLED', call.nowMs, 0)
  return versionMessage(cryptoKey, version)
}

function named(deps: KmsDeps, call: KmsCall, verb: string, name: string) {
  const { keyName, version: number } = splitVersionName(name)
  const cryptoKey = authorizedKey(deps, call, `cloudkms.cryptoKeyVersions.${verb}`, keyName)
  call.audit.resourceName = name
  const version = number === undefined ? undefined : deps.resources.version(cryptoKey, number)
  if (version === undefined) throw notFound('CryptoKeyVersion', name)
  return { cryptoKey, version } satisfies { cryptoKey: CryptoKey; version: CryptoKeyVersion }
}

function requireState(version: CryptoKeyVersion, allowed: readonly VersionState[]): void {
  const state = version.state.recorded()
  if (allowed.includes(state)) return
  const message = `${version.name} has state ${state}, which does not allow this.`
  throw new StatusError('FAILED_PRECONDITION', message, {
    violations: [{ type: `KEY_${state}`, subject: version.name, description: message }],
  })
}

function labelsIn(wanted: Message): Record<string, string> {
  const labels = Object.entries(recordIn(wanted, 'labels'))
  return Object.fromEntries(labels.map(([name, value]) => [name, String(value)]))
}

function recordIn(message: Message, member: string): Message {
  const value = message[member]
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function durationMs(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('seconds' in value)) return undefined
  return Number(value.seconds) * 1000
}
