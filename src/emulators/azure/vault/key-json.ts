import type { Json } from './call.ts'
import type { KeyVersion, VaultKey } from './key.ts'
import type { Store } from './store.ts'

const RECOVERABLE_DAYS = 90

export function keyIdOf(store: Store, found: VaultKey, { version }: KeyVersion): string {
  return `https://${store.host}/keys/${found.name}/${version}`
}

/** `KeyBundle` of the REST API: never the private half. */
export function keyBundle(store: Store, found: VaultKey, version: KeyVersion, nowMs: number): Json {
  const { material } = version
  const jwk = material.kind === 'rsa' ? material.publicKey.export({ format: 'jwk' }) : {}
  return {
    key: {
      kid: keyIdOf(store, found, version),
      kty: found.keyType,
      key_ops: version.operations,
      ...(material.kind === 'rsa' ? { n: jwk.n, e: jwk.e } : {}),
    },
    attributes: attributesOf(version, nowMs),
    ...(Object.keys(version.tags).length === 0 ? {} : { tags: version.tags }),
  }
}

export function keyItem(store: Store, found: VaultKey, version: KeyVersion, nowMs: number): Json {
  return {
    kid: keyIdOf(store, found, version),
    attributes: attributesOf(version, nowMs),
    tags: version.tags,
  }
}

export function deletedBundle(store: Store, found: VaultKey, version: KeyVersion, nowMs: number): Json {
  const deletedAtS = found.deletedAtS ?? 0
  return {
    ...keyBundle(store, found, version, nowMs),
    recoveryId: `https://${store.host}/deletedkeys/${found.name}`,
    deletedDate: deletedAtS,
    scheduledPurgeDate: deletedAtS + RECOVERABLE_DAYS * 86_400,
  }
}

function attributesOf(version: KeyVersion, nowMs: number): Json {
  return {
    enabled: version.enabled.effective(nowMs),
    ...(version.nbf === undefined ? {} : { nbf: version.nbf }),
    ...(version.exp === undefined ? {} : { exp: version.exp }),
    created: version.createdAtS,
    updated: version.updatedAtS,
    recoveryLevel: 'Recoverable',
    recoverableDays: RECOVERABLE_DAYS,
    exportable: false,
  }
}
