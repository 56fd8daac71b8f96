import type { Static } from 'typebox'
import type { AzureFaultEffect } from '#emulators/azure/faults.ts'
import type { VaultSettings } from '#emulators/azure/vault/call.ts'
import { type KeyVersion, newMaterial, newVersion, type VaultKey } from '#emulators/azure/vault/key.ts'
import { keyIdOf } from '#emulators/azure/vault/key-json.ts'
import { requireVersion, type Store, type Stores } from '#emulators/azure/vault/store.ts'
import { FaultControl } from '#emulators/common/fault-control.ts'
import type { Faults } from '#emulators/common/faults.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type * as input from './inputs.ts'

type Deps = Readonly<{
  stores: Stores
  clock: ServiceClock
  settings: VaultSettings
  faults: Faults<AzureFaultEffect>
}>

/** What the owner of vaults, HSMs and keys does to them. @throws {Error} when what is named does not exist */
export class KeyControl extends FaultControl<AzureFaultEffect> {
  readonly #stores: Stores
  readonly #clock: ServiceClock
  readonly #settings: VaultSettings

  constructor({ stores, clock, settings, faults }: Deps) {
    super({ clock, faults })
    this.#stores = stores
    this.#clock = clock
    this.#settings = settings
  }

  createStore(wanted: Static<typeof input.CreateStore>): { host: string; resourceId: string } {
    const { host, resourceId } = this.#stores.add({ ...wanted, kind: wanted.kind ?? 'vault' })
    return { host, resourceId }
  }

  /** Its name no longer resolves, and connections to it end. */
  deleteStore({ store }: Static<typeof input.NameStore>): void {
    this.#stores.delete(this.#stores.require(store))
  }

  recoverStore({ store }: Static<typeof input.NameStore>): void {
    this.#stores.require(store).isDeleted = false
  }

  /** Bites after the delay of effect. */
  setNetwork({ store, isOpen, addresses = [] }: Static<typeof input.SetNetwork>): void {
    const { network } = this.#stores.require(store)
    network.set({ isOpen, addresses }, this.#clock.nowMs(), this.#settings.effectDelayMs)
  }

  /** Makes or removes the diagnostic setting that AuditEvent records need. */
  setLogged({ store, isLogged }: Static<typeof input.SetLogged>): void {
    this.#stores.require(store).isLogged = isLogged
  }

  async createKey(wanted: Static<typeof input.CreateKey>): Promise<{ keyId: string }> {
    const store = this.#stores.require(wanted.store)
    if (store.keys.has(wanted.name.toLowerCase())) throw new Error(`There is a key ${wanted.name}.`)
    const keyType = wanted.keyType ?? (store.kind === 'vault' ? 'RSA' : 'oct-HSM')
    const bits = wanted.bits ?? (keyType === 'oct-HSM' ? 256 : 2048)
    const version = newVersion(await newMaterial(keyType, bits), this.#stores.nowS, wanted)
    const found: VaultKey = { name: wanted.name, keyType, bits, versions: [version], deletedAtS: undefined }
    store.keys.set(wanted.name.toLowerCase(), found)
    return { keyId: keyIdOf(store, found, version) }
  }

  /** A new version, the latest from now on. */
  async rotateKey({ keyId }: Static<typeof input.NameKey>): Promise<{ keyId: string }> {
    const { store, found } = this.#find(keyId)
    const version = newVersion(await newMaterial(found.keyType, found.bits), this.#stores.nowS, {})
    found.versions.push(version)
    return { keyId: keyIdOf(store, found, version) }
  }

  /** Of one version, after the delay of effect for `isEnabled`. */
  setKey(given: Static<typeof input.SetKey>): void {
    const { version } = this.#find(given.keyId)
    const { isEnabled, notBeforeMs, expiresAtMs, operations, tags } = given
    if (isEnabled !== undefined) {
      version.enabled.set(isEnabled, this.#clock.nowMs(), this.#settings.effectDelayMs)
    }
    if (notBeforeMs !== undefined) version.nbf = secondsOf(notBeforeMs)
    if (expiresAtMs !== undefined) version.exp = secondsOf(expiresAtMs)
    if (operations !== undefined) version.operations = operations
    if (tags !== undefined) version.tags = tags
  }

  /** The whole key, with all its versions; it can be recovered. */
  deleteKey({ keyId }: Static<typeof input.NameKey>): void {
    this.#find(keyId).found.deletedAtS = this.#stores.nowS
  }

  recoverKey({ keyId }: Static<typeof input.NameKey>): void {
    this.#find(keyId).found.deletedAtS = undefined
  }

  #find(keyId: string): { store: Store; found: VaultKey; version: KeyVersion } {
    const [, host = '', name = '', version = ''] =
      /^https:\/\/([^/]+)\/keys\/([^/]+)(?:\/([^/]+))?$/.exec(keyId) ?? []
    const store = this.#stores.require(host)
    const found = store.keys.get(name.toLowerCase())
    if (found === undefined) throw new Error(`There is no key ${keyId}.`)
    return { store, found, version: requireVersion(found, version) }
  }
}

function secondsOf(ms: number | null): number | undefined {
  return ms === null ? undefined : Math.floor(ms / 1000)
}
