import { createSecretKey, randomBytes, randomInt } from 'node:crypto'
import { DelayedValue } from '#emulators/common/delayed-value.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { emptyPolicy, type Policy } from '#emulators/google/iam/policy.ts'
import { StatusError } from '#emulators/google/wire/status-error.ts'
import type {
  CryptoKey,
  CryptoKeyVersion,
  KeyRing,
  Project,
  ProtectionLevel,
  Purpose,
  Resource,
  VersionState,
} from './resources.ts'

export type NewCryptoKey = Readonly<{
  purpose?: Purpose | undefined
  protectionLevel?: ProtectionLevel | undefined
  destroyScheduledMs?: number | undefined
  labels?: Readonly<Record<string, string>> | undefined
}>

/** Google's default for keys made since 2024; older ones had a day. */
const DESTROY_SCHEDULED_MS = 30 * 86_400_000
const NAME = /^(projects\/([^/]+))(\/locations\/([^/]+))?(\/keyRings\/([^/]+))?(\/cryptoKeys\/([^/]+))?$/
const PART = /^[a-zA-Z0-9_-]{1,63}$/

/** Holds projects, key rings, keys and versions, and destroys versions when their date has come. */
export class ResourceStore {
  readonly #clock: ServiceClock
  readonly #resources = new Map<string, Resource>()

  constructor(clock: ServiceClock) {
    this.#clock = clock
  }

  addProject(projectId: string): Project {
    const name = `projects/${projectId}`
    if (this.#resources.has(name)) throw new Error(`${name} exists already.`)
    const project: Project = {
      kind: 'project',
      name,
      projectId,
      projectNumber: String(randomInt(100_000_000_000, 1_000_000_000_000)),
      policy: new DelayedValue<Policy>(emptyPolicy),
      parent: undefined,
      isApiEnabled: true,
    }
    this.#resources.set(name, project)
    return project
  }

  /** @param parent `projects/<id>/locations/<location>` @throws {StatusError} */
  addKeyRing(parent: string, keyRingId: string): KeyRing {
    requirePart(keyRingId)
    const project = this.project(parent)
    const name = `${parent}/keyRings/${keyRingId}`
    if (project === undefined) throw notFound('Project', parent)
    this.#requireNew('KeyRing', name)
    const keyRing: KeyRing = {
      kind: 'keyRing',
      name,
      createdAtMs: this.#clock.nowMs(),
      policy: new DelayedValue<Policy>(emptyPolicy),
      parent: project,
    }
    this.#resources.set(name, keyRing)
    return keyRing
  }

  /** A key with its first version, which is its primary. @throws {StatusError} */
  addCryptoKey(keyRingName: string, cryptoKeyId: string, wanted: NewCryptoKey): CryptoKey {
    requirePart(cryptoKeyId)
    const keyRing = this.#resources.get(keyRingName)
    if (keyRing?.kind !== 'keyRing') throw notFound('KeyRing', keyRingName)
    const name = `${keyRingName}/cryptoKeys/${cryptoKeyId}`
    this.#requireNew('CryptoKey', name)
    const cryptoKey: CryptoKey = {
      kind: 'cryptoKey',
      name,
      createdAtMs: this.#clock.nowMs(),
      purpose: wanted.purpose ?? 'ENCRYPT_DECRYPT',
      protectionLevel: wanted.protectionLevel ?? 'SOFTWARE',
      destroyScheduledMs: wanted.destroyScheduledMs ?? DESTROY_SCHEDULED_MS,
      labels: wanted.labels ?? {},
      versions: new Map(),
      policy: new DelayedValue<Policy>(emptyPolicy),
      parent: keyRing,
      primary: undefined,
    }
    this.#resources.set(name, cryptoKey)
    cryptoKey.primary = this.addVersion(cryptoKey).number
    return cryptoKey
  }

  addVersion(cryptoKey: CryptoKey): CryptoKeyVersion {
    const number = cryptoKey.versions.size + 1
    const material = randomBytes(32)
    const version: CryptoKeyVersion = {
      name: `${cryptoKey.name}/cryptoKeyVersions/${number}`,
      number,
      createdAtMs: this.#clock.nowMs(),
      state: new DelayedValue<VersionState>('ENABLED'),
      material: createSecretKey(material),
      destroyAtMs: undefined,
    }
    material.fill(0)
    cryptoKey.versions.set(number, version)
    return version
  }

  /** A project, key ring or key by its name. */
  find(name: string): Resource | undefined {
    return NAME.test(name) ? this.#resources.get(name) : undefined
  }

  /** The project that a name lies in, whether or not the rest of it exists. */
  project(name: string): Project | undefined {
    const found = this.#resources.get(NAME.exec(name)?.[1] ?? '')
    return found?.kind === 'project' ? found : undefined
  }

  projects(): Project[] {
    return [...this.#resources.values()].filter((resource) => resource.kind === 'project')
  }

  /** The nearest of a name's owners that exists: whose policies decide on what does not. */
  nearest(name: string): Resource | undefined {
    for (let at = name; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
      const found = this.#resources.get(at)
      if (found !== undefined) return found
    }
    return undefined
  }

  list<Kind extends Resource['kind']>(kind: Kind, parent: string): Extract<Resource, { kind: Kind }>[] {
    const found = [...this.#resources.values()].filter(
      (resource) => resource.kind === kind && resource.name.startsWith(`${parent}/`),
    )
    // Each has just been found to be of this kind.
    return found as Extract<Resource, { kind: Kind }>[]
  }

  /** A version with its state as it is now: a scheduled destruction whose date has come is carried out. */
  version(cryptoKey: CryptoKey, number: number): CryptoKeyVersion | undefined {
    const version = cryptoKey.versions.get(number)
    const nowMs = this.#clock.nowMs()
    const isDue =
      version?.state.recorded() === 'DESTROY_SCHEDULED' &&
      version.destroyAtMs !== undefined &&
      version.destroyAtMs <= nowMs
    if (isDue) {
      version.state.set('DESTROYED', nowMs, 0)
      version.material = undefined
    }
    return version
  }

  #requireNew(kind: string, name: string): void {
    if (this.#resources.has(name)) throw new StatusError('ALREADY_EXISTS', `${kind} ${name} already exists.`)
  }
}

export function notFound(kind: string, name: string): StatusError {
  return new StatusError('NOT_FOUND', `${kind} ${name} not found.`)
}

function requirePart(id: string): void {
  if (!PART.test(id)) {
    throw new StatusError('INVALID_ARGUMENT', `Resource id "${id}" must match [a-zA-Z0-9_-]{1,63}.`)
  }
}
