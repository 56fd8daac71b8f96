import { randomBytes } from 'node:crypto'
import { VaultError } from '#emulators/azure/wire/vault-error.ts'
import type { Json, VaultCall, VaultDeps } from './call.ts'
import { attributesIn, bitsIn, keyTypeIn, operationsIn, tagsIn } from './input.ts'
import { newMaterial, newVersion, type VaultKey } from './key.ts'
import { deletedBundle, keyBundle, keyItem } from './key-json.ts'
import { keyNotFound, requireKey, requireVersion, type Store } from './store.ts'

export function getKey({ store, name, version, nowMs }: VaultCall): Json {
  const found = requireKey(store, name)
  return keyBundle(store, found, requireVersion(found, version), nowMs)
}

export function listKeys({ store, nowMs }: VaultCall): Json {
  const live = [...store.keys.values()].filter(({ deletedAtS }) => deletedAtS === undefined)
  return {
    value: live.map((found) => {
      const { kid, ...item } = keyItem(store, found, requireVersion(found, ''), nowMs)
      // A listing names keys, not versions.
      return { kid: String(kid).replace(/\/[0-9a-f]{32}$/, ''), ...item }
    }),
    nextLink: null,
  }
}

export function listVersions({ store, name, nowMs }: VaultCall): Json {
  const found = requireKey(store, name)
  return { value: found.versions.map((version) => keyItem(store, found, version, nowMs)), nextLink: null }
}

/** A key, or another version of the one that there is. */
export async function createKey({ stores }: VaultDeps, call: VaultCall): Promise<Json> {
  const { store, name, body, nowMs } = call
  const keyType = keyTypeIn(body)
  if (keyType === 'oct-HSM' && store.kind === 'vault') {
    throw new VaultError(400, 'BadParameter', 'Property kty has invalid value oct-HSM')
  }
  const found = store.keys.get(name.toLowerCase())
  if (found?.deletedAtS !== undefined) {
    throw new VaultError(
      409,
      'Conflict',
      `Key ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.`,
      { innerCode: 'ObjectIsDeletedButRecoverable' },
    )
  }
  const bits = bitsIn(body, keyType)
  const version = newVersion(await newMaterial(keyType, bits), stores.nowS, {
    ...attributesIn(body),
    operations: operationsIn(body),
    tags: tagsIn(body),
  })
  const kept: VaultKey = found ?? { name, keyType, bits, versions: [], deletedAtS: undefined }
  kept.versions.push(version)
  store.keys.set(name.toLowerCase(), kept)
  return keyBundle(store, kept, version, nowMs)
}

export async function rotateKey({ stores }: VaultDeps, call: VaultCall): Promise<Json> {
  const { store, name, nowMs } = call
  const found = requireKey(store, name)
  const { operations, tags } = requireVersion(found, '')
  const version = newVersion(await newMaterial(found.keyType, found.bits), stores.nowS, { operations, tags })
  found.versions.push(version)
  return keyBundle(store, found, version, nowMs)
}

export function updateKey({ stores, settings }: VaultDeps, call: VaultCall): Json {
  const { store, name, body, nowMs } = call
  const found = requireKey(store, name)
  const version = requireVersion(found, call.version)
  const { enabled, nbf, exp } = attributesIn(body)
  if (enabled !== undefined) version.enabled.set(enabled, nowMs, settings.effectDelayMs)
  version.nbf = nbf ?? version.nbf
  version.exp = exp ?? version.exp
  version.operations = operationsIn(body) ?? version.operations
  version.tags = tagsIn(body) ?? version.tags
  version.updatedAtS = stores.nowS
  return keyBundle(store, found, version, nowMs)
}

export function deleteKey({ stores }: VaultDeps, { store, name, nowMs }: VaultCall): Json {
  const found = requireKey(store, name)
  found.deletedAtS = stores.nowS
  return deletedBundle(store, found, requireVersion(found, ''), nowMs)
}

export function getDeletedKey({ store, name, nowMs }: VaultCall): Json {
  const found = requireDeleted(store, name)
  return deletedBundle(store, found, requireVersion(found, ''), nowMs)
}

export function listDeletedKeys({ store, nowMs }: VaultCall): Json {
  const deleted = [...store.keys.values()].filter(({ deletedAtS }) => deletedAtS !== undefined)
  return {
    value: deleted.map((found) => deletedBundle(store, found, requireVersion(found, ''), nowMs)),
    nextLink: null,
  }
}

export function recoverKey({ store, name, nowMs }: VaultCall): Json {
  const found = requireDeleted(store, name)
  found.deletedAtS = undefined
  return keyBundle(store, found, requireVersion(found, ''), nowMs)
}

/** Final: nothing that it wrapped opens again. */
export function purgeKey({ store, name }: VaultCall): undefined {
  requireDeleted(store, name)
  store.keys.delete(name.toLowerCase())
}

/** Opaque, and good for nothing here: what counts is who may ask for it. */
export function backupKey({ store, name }: VaultCall): Json {
  requireKey(store, name)
  return { value: randomBytes(256).toString('base64url') }
}

function requireDeleted(store: Store, name: string): VaultKey {
  const found = store.keys.get(name.toLowerCase())
  if (found?.deletedAtS !== undefined) return found
  throw keyNotFound(name)
}
