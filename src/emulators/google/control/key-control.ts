import type { Static } from 'typebox'
import { FaultControl } from '#emulators/common/fault-control.ts'
import type { Faults } from '#emulators/common/faults.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type { FaultEffect } from '#emulators/google/fault-effect.ts'
import { parsePolicy, type PolicyInput } from '#emulators/google/iam/policy.ts'
import type { Roles } from '#emulators/google/iam/roles.ts'
import type { ResourceStore } from '#emulators/google/kms/resource-store.ts'
import type { CryptoKey, Project, Resource } from '#emulators/google/kms/resources.ts'
import type * as input from './inputs.ts'

type Deps = Readonly<{
  resources: ResourceStore
  roles: Roles
  clock: ServiceClock
  faults: Faults<FaultEffect>
}>

/** What the owner of keys does to them and to the policies above them. @throws {Error} when what is named does not exist */
export class KeyControl extends FaultControl<FaultEffect> {
  readonly #deps: Deps

  constructor(deps: Deps) {
    super(deps)
    this.#deps = deps
  }

  createKey(wanted: Static<typeof input.CreateKey>): { keyName: string } {
    const { cryptoKey, keyRing = 'hasp', location = 'europe-west3', projectId, ...more } = wanted
    const parent = `${this.requireProject(projectId).name}/locations/${location}`
    const keyRingName = `${parent}/keyRings/${keyRing}`
    if (this.#deps.resources.find(keyRingName) === undefined) this.#deps.resources.addKeyRing(parent, keyRing)
    return { keyName: this.#deps.resources.addCryptoKey(keyRingName, cryptoKey, more).name }
  }

  /** Puts a version (every one, when none is named) into a state at once, whatever the delay of effect. */
  setVersionState({ keyName, state, version }: Static<typeof input.SetVersionState>): void {
    const cryptoKey = this.#key(keyName)
    const numbers = version === undefined ? [...cryptoKey.versions.keys()] : [version]
    for (const number of numbers) {
      const found = this.#deps.resources.version(cryptoKey, number)
      if (found === undefined) throw new Error(`There is no version ${number} of ${keyName}.`)
      found.state.set(state, this.#deps.clock.nowMs(), 0)
      if (state !== 'DESTROY_SCHEDULED') found.destroyAtMs = undefined
      if (state === 'DESTROYED') found.material = undefined
    }
  }

  /** A new version, which becomes the primary one: what automatic rotation does. */
  rotateKey({ keyName }: Static<typeof input.RotateKey>): { version: number } {
    const cryptoKey = this.#key(keyName)
    const { number } = this.#deps.resources.addVersion(cryptoKey)
    cryptoKey.primary = number
    return { version: number }
  }

  /** Replaces the policy of a project, key ring or key at once, whatever the delay. */
  setPolicy({ policy, resource }: { resource: string; policy: PolicyInput }): void {
    const found = this.#resource(resource)
    const current = found.policy.recorded()
    found.policy.set(parsePolicy(policy, this.#deps.roles, current), this.#deps.clock.nowMs(), 0)
  }

  addBinding({ binding, resource }: Static<typeof input.Binding>): void {
    const { auditConfigs, bindings } = this.#resource(resource).policy.recorded()
    this.setPolicy({ resource, policy: { auditConfigs, bindings: [...mutable(bindings), binding] } })
  }

  removeBinding({ binding, resource }: Static<typeof input.Binding>): void {
    const { auditConfigs, bindings } = this.#resource(resource).policy.recorded()
    const kept = mutable(bindings)
      .map(({ members, role }) => ({
        role,
        members: role === binding.role ? members.filter((one) => !binding.members.includes(one)) : members,
      }))
      .filter(({ members }) => members.length > 0)
    this.setPolicy({ resource, policy: { auditConfigs, bindings: kept } })
  }

  /** Turns Data Access logs of Cloud KMS on, as the auditConfigs of a project's policy do. */
  logDataAccess({ projectId }: Static<typeof input.CreateProject>): void {
    const { name, policy } = this.requireProject(projectId)
    const { bindings } = policy.recorded()
    const auditLogConfigs = (['ADMIN_READ', 'DATA_READ', 'DATA_WRITE'] as const).map((logType) => ({
      logType,
    }))
    this.setPolicy({
      resource: name,
      policy: {
        bindings: mutable(bindings),
        auditConfigs: [{ service: 'cloudkms.googleapis.com', auditLogConfigs }],
      },
    })
  }

  protected requireProject(projectId: string): Project {
    const project = this.#deps.resources.project(`projects/${projectId}`)
    if (project === undefined) throw new Error(`There is no project ${projectId}.`)
    return project
  }

  #resource(name: string): Resource {
    const resource = this.#deps.resources.find(name)
    if (resource === undefined) throw new Error(`There is no ${name}.`)
    return resource
  }

  #key(keyName: string): CryptoKey {
    const found = this.#resource(keyName)
    if (found.kind !== 'cryptoKey') throw new Error(`${keyName} is no key.`)
    return found
  }
}

function mutable(bindings: readonly Readonly<{ role: string; members: readonly string[] }>[]) {
  return bindings.map(({ members, role }) => ({ role, members: [...members] }))
}
