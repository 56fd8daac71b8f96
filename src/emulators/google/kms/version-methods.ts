import type { Message } from '#emulators/google/wire/protobuf.ts'
import { invalidArgument, StatusError } from '#emulators/google/wire/status-error.ts'
import { kmsMethod } from './kms-method.ts'
import { cryptoKeyMessage, versionMessage } from './messages.ts'
import {
  authorizedKey,
  messageIn,
  requiredText,
  requireVersion,
  splitVersionName,
  type KmsCall,
  type KmsDeps,
  type Method,
} from './method.ts'
import { notFound } from './resource-store.ts'
import type { CryptoKeyVersion, VersionState } from './resources.ts'

/** What the owner of a key does with its versions: rotate, disable, destroy, restore. */
export const versionMethods: readonly Method[] = [
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
  const wanted = messageIn(call.request, 'cryptoKeyVersion')
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
  const version = requireVersion(deps, cryptoKey, number)
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
  if (number === undefined) throw notFound('CryptoKeyVersion', name)
  return { cryptoKey, version: requireVersion(deps, cryptoKey, number) }
}

function requireState(version: CryptoKeyVersion, allowed: readonly VersionState[]): void {
  const state = version.state.recorded()
  if (allowed.includes(state)) return
  const message = `${version.name} has state ${state}, which does not allow this.`
  throw new StatusError('FAILED_PRECONDITION', message, {
    violations: [{ type: `KEY_${state}`, subject: version.name, description: message }],
  })
}
