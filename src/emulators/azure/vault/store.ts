import { randomUUID } from 'node:crypto'
import { DelayedValue } from '#emulators/common/delayed-value.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { badParameter, VaultError } from '#emulators/azure/wire/vault-error.ts'
import type { KeyVersion, VaultKey } from './key.ts'

export type StoreKind = 'vault' | 'managed-hsm'

/** Whom the network rules let in: everybody, or the addresses named. */
type NetworkRules = Readonly<{ isOpen: boolean; addresses: readonly string[] }>

/** A key vault or a Managed HSM. */
export type Store = {
  readonly name: string
  readonly kind: StoreKind
  readonly host: string
  readonly tenantId: string
  /** Azure Resource Manager's name of it. */
  readonly resourceId: string
  readonly location: string
  readonly keys: Map<string, VaultKey>
  readonly network: DelayedValue<NetworkRules>
  isDeleted: boolean
  /** Whether a diagnostic setting sends its AuditEvent records anywhere: not unless somebody makes one. */
  isLogged: boolean
}

/** What tokens for a store are for. */
export function resourceOf({ host }: Store): string {
  return `https://${host.slice(host.indexOf('.') + 1)}`
}

export class Stores {
  readonly #clock: ServiceClock
  readonly #byHost = new Map<string, Store>()
  readonly #disconnect: (host: string) => void

  constructor(clock: ServiceClock, disconnect: (host: string) => void) {
    this.#clock = clock
    this.#disconnect = disconnect
  }

  add(wanted: {
    name: string
    kind: StoreKind
    tenantId: string
    domain?: 'azure.net' | 'azure.cn' | 'usgovcloudapi.net' | undefined
    isLogged?: boolean | undefined
  }): Store {
    const { name, kind, tenantId, domain = 'azure.net' } = wanted
    const host = `${name}.${kind === 'vault' ? 'vault' : 'managedhsm'}.${domain}`
    if (this.#byHost.has(host)) throw new Error(`There is a store ${host}.`)
    const type = kind === 'vault' ? 'vaults' : 'managedHSMs'
    const store: Store = {
      name,
      kind,
      host,
      tenantId,
      resourceId: `/subscriptions/${randomUUID()}/resourceGroups/keys/providers/Microsoft.KeyVault/${type}/${name}`,
      location: 'westeurope',
      keys: new Map(),
      network: new DelayedValue<NetworkRules>({ isOpen: true, addresses: [] }),
      isDeleted: false,
      isLogged: wanted.isLogged ?? false,
    }
    this.#byHost.set(host, store)
    return store
  }

  /** Undefined also for a store that was deleted: its name does not resolve any more. */
  byHost(host: string): Store | undefined {
    const store = this.#byHost.get(host)
    return store?.isDeleted === true ? undefined : store
  }

  /** Soft: the name no longer resolves, connections to it end, and it can be recovered. */
  delete(store: Store): void {
    store.isDeleted = true
    this.#disconnect(store.host)
  }

  /** @param name the store's name or host @throws {Error} */
  require(name: string): Store {
    for (const store of this.#byHost.values()) {
      if (store.name === name || store.host === name) return store
    }
    throw new Error(`There is no vault or HSM ${name}.`)
  }

  get nowS(): number {
    return Math.floor(this.#clock.nowMs() / 1000)
  }
}

/** A key that is there; @throws {VaultError} 404 also for one that was deleted. */
export function requireKey(store: Store, name: string): VaultKey {
  const found = store.keys.get(name.toLowerCase())
  if (found !== undefined && found.deletedAtS === undefined) return found
  throw keyNotFound(name)
}

/** @param version empty for the latest */
export function requireVersion(found: VaultKey, version: string): KeyVersion {
  if (version !== '' && !/^[0-9a-f]{32}$/i.test(version)) {
    throw badParameter(`The request URI contains an invalid version: ${version}`)
  }
  const wanted =
    version === ''
      ? found.versions.at(-1)
      : found.versions.find((one) => one.version === version.toLowerCase())
  if (wanted === undefined) throw keyNotFound(`${found.name}/${version}`)
  return wanted
}

export function keyNotFound(name: string): VaultError {
  return new VaultError(
    404,
    'KeyNotFound',
    `A key with (name/id) ${name} was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
  )
}
