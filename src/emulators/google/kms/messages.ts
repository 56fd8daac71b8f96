import type { CryptoKey, CryptoKeyVersion, KeyRing } from './resources.ts'
import type { Message } from '#emulators/google/wire/protobuf.ts'

/** Resources as the API shows them. */
export function keyRingMessage({ createdAtMs, name }: KeyRing): Message {
  return { name, createTime: timestamp(createdAtMs) }
}

export function cryptoKeyMessage(cryptoKey: CryptoKey): Message {
  const { createdAtMs, destroyScheduledMs, labels, name, primary, protectionLevel, purpose, versions } =
    cryptoKey
  const primaryVersion = primary === undefined ? undefined : versions.get(primary)
  return {
    name,
    ...(primaryVersion === undefined ? {} : { primary: versionMessage(cryptoKey, primaryVersion) }),
    purpose,
    createTime: timestamp(createdAtMs),
    versionTemplate: { protectionLevel, algorithm: algorithmOf(cryptoKey) },
    labels,
    destroyScheduledDuration: { seconds: Math.floor(destroyScheduledMs / 1000), nanos: 0 },
  }
}

export function versionMessage(cryptoKey: CryptoKey, version: CryptoKeyVersion): Message {
  const { createdAtMs, destroyAtMs, name } = version
  const state = version.state.recorded()
  return {
    name,
    state,
    protectionLevel: cryptoKey.protectionLevel,
    algorithm: algorithmOf(cryptoKey),
    createTime: timestamp(createdAtMs),
    generateTime: timestamp(createdAtMs),
    ...(destroyAtMs === undefined
      ? {}
      : { [state === 'DESTROYED' ? 'destroyEventTime' : 'destroyTime']: timestamp(destroyAtMs) }),
  }
}

function algorithmOf({ protectionLevel, purpose }: CryptoKey): string {
  if (purpose !== 'ENCRYPT_DECRYPT') return 'CRYPTO_KEY_VERSION_ALGORITHM_UNSPECIFIED'
  return protectionLevel.startsWith('EXTERNAL')
    ? 'EXTERNAL_SYMMETRIC_ENCRYPTION'
    : 'GOOGLE_SYMMETRIC_ENCRYPTION'
}

function timestamp(ms: number): Message {
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 }
}
