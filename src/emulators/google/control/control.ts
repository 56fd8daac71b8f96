import type { Static } from 'typebox'
import type { Faults } from '#emulators/common/faults.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type { AuditLog, EntryFilter } from '#emulators/google/audit/audit-log.ts'
import type { LogEntry } from '#emulators/google/audit/log-entry.ts'
import type { FaultEffect } from '#emulators/google/fault-effect.ts'
import { parsePolicy, type PolicyInput } from '#emulators/google/iam/policy.ts'
import type { Roles } from '#emulators/google/iam/roles.ts'
import type { KmsSettings } from '#emulators/google/kms/method.ts'
import type { ResourceStore } from '#emulators/google/kms/resource-store.ts'
import type { CryptoKey, Project, Resource } from '#emulators/google/kms/resources.ts'
import type { IdentityProviders } from '#emulators/google/tokens/identity-providers.ts'
import {
  createKeyFile,
  type ServiceAccountKeyFile,
  type ServiceAccounts,
} from '#emulators/google/tokens/service-accounts.ts'
import type { TokenService } from '#emulators/google/tokens/token-service.ts'
import type * as input from './inputs.ts'

type Deps = Readonly<{
  resources: ResourceStore
  roles: Roles
  accounts: ServiceAccounts
  providers: IdentityProviders
  tokens: TokenService
  clock: ServiceClock
  settings: KmsSettings
  faults: Faults<FaultEffect>
  log: AuditLog
}>

/**
 * What a test, a demo or an operator does to the emulated cloud without being anybody in it. Nothing here is a Google
 * API and nothing here reaches a log.
 *
 * @throws {Error} from every method, when what it names does not exist or does not fit
 */
export class GoogleEmulatorControl {
  readonly #deps: Deps
  #tokenSkewMs = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A project whose owner may do everything in it; `ownerToken` is a bearer token of that owner. */
  createProject({ projectId }: Static<typeof input.CreateProject>): {
    projectId: string
    projectNumber: string
    ownerToken: string
  } {
    const email = `owner@${projectId}.example`
    const project = this.#deps.resources.addProject(projectId)
    this.setPolicy({
      resource: project.name,
      policy: { bindings: [{ role: 'roles/owner', members: [`user:${email}`] }] },
    })
    const ownerToken = this.#deps.tokens.issueFor({ kind: 'user', email })
    return { projectId, projectNumber: project.projectNumber, ownerToken }
  }

  setApiEnabled({ isEnabled, projectId }: Static<typeof input.SetApiEnabled>): void {
    this.#project(projectId).isApiEnabled = isEnabled
  }

  /** A service account with one key, whose file is what google-auth-library takes as `keyFile`. */
  createServiceAccount({ name, projectId }: Static<typeof input.CreateServiceAccount>): {
    email: string
    uniqueId: string
    keyFile: ServiceAccountKeyFile
  } {
    this.#project(projectId)
    const account = this.#deps.accounts.add(projectId, name)
    return { email: account.email, uniqueId: account.uniqueId, keyFile: createKeyFile(account) }
  }

  setServiceAccountDisabled({ email, isDisabled }: Static<typeof input.SetServiceAccountDisabled>): void {
    this.#account(email).isDisabled = isDisabled
  }

  deleteServiceAccount({ email }: Static<typeof input.NameServiceAccount>): void {
    this.#deps.accounts.remove(this.#account(email).email)
  }

  /** Ends every access token: whoever wants one must ask for it again. */
  revokeTokens(): void {
    this.#deps.tokens.forgetTokens()
  }

  createKey(wanted: Static<typeof input.CreateKey>): { keyName: string } {
    const { cryptoKey, keyRing = 'hasp', location = 'europe-west3', projectId, ...more } = wanted
    const parent = `${this.#project(projectId).name}/locations/${location}`
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

  createRole({ name, permissions }: Static<typeof input.CreateRole>): void {
    this.#deps.roles.addCustom(name, permissions)
  }

  /** Turns Data Access logs of Cloud KMS on, as the auditConfigs of a project's policy do. */
  logDataAccess({ projectId }: Static<typeof input.CreateProject>): void {
    const { name, policy } = this.#project(projectId)
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

  /** The name must lie in a project of the emulator, by its number; each part of it is made as needed. */
  createIdentityProvider(wanted: Static<typeof input.CreateIdentityProvider>): { name: string } {
    const { attributeCondition, name, oidc } = wanted
    const projectNumber = /^projects\/(\d+)\//.exec(name)?.[1]
    if (!this.#deps.resources.projects().some((project) => project.projectNumber === projectNumber)) {
      throw new Error(`There is no project that ${name} could lie in.`)
    }
    const { allowedAudiences, issuerUri: issuer, jwks } = oidc
    return {
      name: this.#deps.providers.add({ name, issuer, allowedAudiences, jwks, attributeCondition }).name,
    }
  }

  setIdentityProviderDisabled({ isDisabled, name }: Static<typeof input.SetIdentityProviderDisabled>): void {
    const provider = this.#deps.providers.find(name)
    if (provider === undefined) throw new Error(`There is no provider ${name}.`)
    provider.isDisabled = isDisabled
  }

  deleteIdentityProvider({ name }: Static<typeof input.NameIdentityProvider>): void {
    this.#deps.providers.remove(name)
  }

  setDelays({ effectDelayMs, policyDelayMs }: Static<typeof input.SetDelays>): void {
    const { settings } = this.#deps
    settings.effectDelayMs = effectDelayMs ?? settings.effectDelayMs
    settings.policyDelayMs = policyDelayMs ?? settings.policyDelayMs
  }

  injectFault(fault: Static<typeof input.InjectFault>): void {
    this.#deps.faults.inject(fault)
  }

  /** Removes all faults and latencies. */
  clearFaults(): void {
    this.#deps.faults.clear()
  }

  /** For a method, `*`, `Token`, `ExchangeToken`, or a region (`location:europe-west3`). */
  setLatency({ latencyMs, operation }: Static<typeof input.SetLatency>): void {
    this.#deps.faults.setLatency(operation, latencyMs)
  }

  /** Moves the service's time: tokens, delays of effect, destructions. Assertions stay on the machine's clock. */
  advanceClock({ ms }: Static<typeof input.AdvanceClock>): { nowMs: number } {
    this.#deps.clock.advance(ms)
    return { nowMs: this.#deps.clock.nowMs() }
  }

  /** Makes the clock that assertions are held against differ from the machine's. */
  setTokenSkew({ ms }: Static<typeof input.SetTokenSkew>): void {
    this.#tokenSkewMs = ms
  }

  get tokenSkewMs(): number {
    return this.#tokenSkewMs
  }

  entries(filter: EntryFilter = {}): LogEntry[] {
    return this.#deps.log.entries(filter)
  }

  async waitForEntry(filter: EntryFilter, timeoutMs?: number): Promise<LogEntry> {
    return this.#deps.log.waitFor(filter, timeoutMs)
  }

  clearEntries(): void {
    this.#deps.log.clear()
  }

  #project(projectId: string): Project {
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

  #account(email: string) {
    const account = this.#deps.accounts.byEmail(email)
    if (account === undefined) throw new Error(`There is no service account ${email}.`)
    return account
  }
}

function mutable(bindings: readonly Readonly<{ role: string; members: readonly string[] }>[]) {
  return bindings.map(({ members, role }) => ({ role, members: [...members] }))
}
