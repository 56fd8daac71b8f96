import type { Static } from 'typebox'
import type { SkewClock } from '#emulators/common/control-inputs.ts'
import type { Faults } from '#emulators/common/faults.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type { AuditLog, EntryFilter } from '#emulators/google/audit/audit-log.ts'
import type { LogEntry } from '#emulators/google/audit/log-entry.ts'
import type { FaultEffect } from '#emulators/google/fault-effect.ts'
import type { Roles } from '#emulators/google/iam/roles.ts'
import type { KmsSettings } from '#emulators/google/kms/method.ts'
import type { ResourceStore } from '#emulators/google/kms/resource-store.ts'
import type { IdentityProviders } from '#emulators/google/tokens/identity-providers.ts'
import {
  createKeyFile,
  type ServiceAccountKeyFile,
  type ServiceAccounts,
} from '#emulators/google/tokens/service-accounts.ts'
import type { TokenService } from '#emulators/google/tokens/token-service.ts'
import type * as input from './inputs.ts'
import { KeyControl } from './key-control.ts'

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
 * API and nothing here reaches a log. Keys and policies are in {@link KeyControl}, which this extends.
 *
 * @throws {Error} from every method, when what it names does not exist or does not fit
 */
export class GoogleEmulatorControl extends KeyControl {
  readonly #deps: Deps
  #tokenSkewMs = 0

  constructor(deps: Deps) {
    super(deps)
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
    this.requireProject(projectId).isApiEnabled = isEnabled
  }

  /** A service account with one key, whose file is what google-auth-library takes as `keyFile`. */
  createServiceAccount({ name, projectId }: Static<typeof input.CreateServiceAccount>): {
    email: string
    uniqueId: string
    keyFile: ServiceAccountKeyFile
  } {
    this.requireProject(projectId)
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

  createRole({ name, permissions }: Static<typeof input.CreateRole>): void {
    this.#deps.roles.addCustom(name, permissions)
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

  /** Makes the clock that assertions are held against differ from the machine's. */
  setTokenSkew({ ms }: Static<typeof SkewClock>): void {
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

  #account(email: string) {
    const account = this.#deps.accounts.byEmail(email)
    if (account === undefined) throw new Error(`There is no service account ${email}.`)
    return account
  }
}
