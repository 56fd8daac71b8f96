import { randomUUID } from 'node:crypto'
import { DelayedValue } from '#emulators/common/delayed-value.ts'
import { parsePolicy } from '#emulators/aws/iam/policy-document.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { createKeyMaterial } from './key-material.ts'
import type { KeyOrigin, KeyState, KmsKey } from './kms-key.ts'

export type NewKey = Readonly<{
  accountId: string
  region: string
  keyId?: string | undefined
  description?: string | undefined
  policy?: string | undefined
  state?: KeyState | undefined
  origin?: KeyOrigin | undefined
  isMultiRegion?: boolean | undefined
  tags?: ReadonlyMap<string, string> | undefined
}>

/** What a caller's `KeyId` may name; refusals differ by it. */
export type KeyLookup = Readonly<{ kmsKey: KmsKey | undefined; accountId: string; region: string }>

/** Holds all keys and aliases of all accounts, and carries out deletions when their date has come. */
export class KeyStore {
  readonly #clock: ServiceClock
  readonly #onDeleted: (kmsKey: KmsKey) => void
  readonly #keys = new Map<string, KmsKey>()
  /** Alias ARN → key id. */
  readonly #aliases = new Map<string, string>()

  constructor(clock: ServiceClock, onDeleted: (kmsKey: KmsKey) => void) {
    this.#clock = clock
    this.#onDeleted = onDeleted
  }

  create(input: NewKey): KmsKey {
    const nowMs = this.#clock.nowMs()
    const keyId =
      input.keyId ?? (input.isMultiRegion ? `mrk-${randomUUID().replaceAll('-', '')}` : randomUUID())
    if (this.#keys.has(keyId)) throw new Error(`Key ${keyId} exists already.`)
    const origin = input.origin ?? 'AWS_KMS'
    const current = createKeyMaterial(nowMs)
    const kmsKey: KmsKey = {
      keyId,
      arn: `arn:aws:kms:${input.region}:${input.accountId}:key/${keyId}`,
      accountId: input.accountId,
      region: input.region,
      description: input.description ?? '',
      origin,
      isMultiRegion: input.isMultiRegion ?? false,
      createdAtMs: nowMs,
      state: new DelayedValue<KeyState>(input.state ?? (origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled')),
      policy: new DelayedValue(parsePolicy(input.policy ?? defaultKeyPolicy(input.accountId), 'key')),
      tags: new Map(input.tags),
      materials: new Map([[current.materialId, current]]),
      current,
      deletionAtMs: undefined,
      pendingWindowDays: undefined,
      onDemandRotations: 0,
    }
    this.#keys.set(keyId, kmsKey)
    return kmsKey
  }

  /** The key by its bare id, wherever it lives; undefined once its deletion date has passed. */
  byId(keyId: string): KmsKey | undefined {
    const kmsKey = this.#keys.get(keyId)
    if (kmsKey?.deletionAtMs === undefined || kmsKey.deletionAtMs > this.#clock.nowMs()) return kmsKey
    this.#keys.delete(keyId)
    kmsKey.materials.clear()
    for (const [alias, target] of this.#aliases) if (target === keyId) this.#aliases.delete(alias)
    this.#onDeleted(kmsKey)
    return undefined
  }

  /** Resolves a key id, key ARN, alias name or alias ARN as seen from an account and region. */
  find(reference: string, accountId: string, region: string): KeyLookup {
    const parts = /^arn:aws:kms:([a-z0-9-]+):(\d{12}):(key\/.+|alias\/.+)$/.exec(reference)
    const owner = { region: parts?.[1] ?? region, accountId: parts?.[2] ?? accountId }
    const name = parts?.[3] ?? reference
    const keyId = name.startsWith('alias/')
      ? this.#aliases.get(aliasArn(owner.region, owner.accountId, name))
      : name.replace(/^key\//, '')
    const kmsKey = keyId === undefined ? undefined : this.byId(keyId)
    const isThere = kmsKey?.accountId === owner.accountId && kmsKey.region === owner.region
    return { kmsKey: isThere ? kmsKey : undefined, ...owner }
  }

  list(accountId: string, region: string): KmsKey[] {
    return this.all().filter((kmsKey) => kmsKey.accountId === accountId && kmsKey.region === region)
  }

  all(): KmsKey[] {
    return [...this.#keys.keys()].flatMap((keyId) => this.byId(keyId) ?? [])
  }

  /** @returns false when the alias exists already */
  addAlias(name: string, kmsKey: KmsKey): boolean {
    const arn = aliasArn(kmsKey.region, kmsKey.accountId, name)
    if (this.#aliases.has(arn)) return false
    this.#aliases.set(arn, kmsKey.keyId)
    return true
  }

  aliases(accountId: string, region: string): { arn: string; name: string; keyId: string }[] {
    const prefix = aliasArn(region, accountId, '')
    return [...this.#aliases]
      .filter(([arn]) => arn.startsWith(prefix))
      .map(([arn, keyId]) => ({ arn, name: arn.slice(prefix.length), keyId }))
  }
}

function aliasArn(region: string, accountId: string, name: string): string {
  return `arn:aws:kms:${region}:${accountId}:${name}`
}

/** What KMS puts where CreateKey names no policy: the account decides through IAM. */
function defaultKeyPolicy(accountId: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  })
}
