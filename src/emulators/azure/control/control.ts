import type { Static } from 'typebox'
import type { AuditEvent } from '#emulators/azure/audit/audit-event.ts'
import type { DiagnosticLog, EventFilter } from '#emulators/azure/audit/diagnostic-log.ts'
import type { Application, EntraDirectory } from '#emulators/azure/entra/directory.ts'
import type { Issuers } from '#emulators/azure/entra/issuers.ts'
import type { AzureFaultEffect } from '#emulators/azure/faults.ts'
import type { RoleAssignments } from '#emulators/azure/rbac/assignments.ts'
import { scopedTo } from '#emulators/azure/vault/authorize.ts'
import type { VaultSettings } from '#emulators/azure/vault/call.ts'
import type { Stores } from '#emulators/azure/vault/store.ts'
import type { Faults } from '#emulators/common/faults.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type * as input from './inputs.ts'
import { KeyControl } from './key-control.ts'

export type ControlDeps = Readonly<{
  directory: EntraDirectory
  issuers: Issuers
  stores: Stores
  roles: RoleAssignments
  clock: ServiceClock
  settings: VaultSettings
  faults: Faults<AzureFaultEffect>
  log: DiagnosticLog
}>

export type MadeApplication = Readonly<{ clientId: string; clientSecret: string; objectId: string }>

/**
 * What a test, a demo or an operator does to the emulated cloud without being anybody in it. Nothing here is an
 * Azure API and nothing here reaches a log. Keys are in {@link KeyControl}, which this extends.
 *
 * @throws {Error} from every method, when what it names does not exist
 */
export class AzureEmulatorControl extends KeyControl {
  readonly #deps: ControlDeps

  constructor(deps: ControlDeps) {
    super(deps)
    this.#deps = deps
  }

  createTenant({ tenantId }: Static<typeof input.CreateTenant> = {}): { tenantId: string } {
    return { tenantId: this.#deps.directory.addTenant(tenantId) }
  }

  /** Its vaults live on, and nobody gets a token for them. */
  deleteTenant({ tenantId }: Static<typeof input.NameTenant>): void {
    this.#deps.directory.removeTenant(tenantId)
  }

  /** An app registration with one secret, and its service principal in its home tenant. */
  createApplication(wanted: Static<typeof input.CreateApplication>): MadeApplication {
    const { directory } = this.#deps
    const { tenantId, name = 'application', clientId } = wanted
    const application = directory.addApplication(tenantId, name, clientId)
    const clientSecret = directory.addSecret(application, wanted.clientSecret)
    const { objectId } = directory.consent(tenantId, application.clientId)
    return { clientId: application.clientId, clientSecret, objectId }
  }

  deleteApplication({ clientId }: Static<typeof input.NameApplication>): void {
    this.#deps.directory.removeApplication(clientId)
  }

  setApplicationEnabled({ clientId, isEnabled }: Static<typeof input.SetEnabled>): void {
    this.#application(clientId).isEnabled = isEnabled
  }

  /** A further secret; the former stay good until they expire. */
  addSecret({ clientId }: Static<typeof input.NameApplication>): { clientSecret: string } {
    return { clientSecret: this.#deps.directory.addSecret(this.#application(clientId)) }
  }

  createIssuer({ issuer }: Static<typeof input.CreateIssuer>): void {
    this.#deps.issuers.add(issuer)
  }

  addFederatedCredential(given: Static<typeof input.AddFederatedCredential>): void {
    const { clientId, issuer, subject, audience = 'api://AzureADTokenExchange' } = given
    this.#application(clientId).federatedCredentials.push({ issuer, subject, audience })
  }

  issueAssertion(of: Static<typeof input.IssueAssertion>): { assertion: string } {
    return { assertion: this.#deps.issuers.issue(of) }
  }

  /** An administrator of the tenant consents: the application has a service principal there from now on. */
  consent({ tenantId, clientId }: Static<typeof input.NamePrincipal>): { objectId: string } {
    return { objectId: this.#deps.directory.consent(tenantId, clientId).objectId }
  }

  withdrawConsent({ tenantId, clientId }: Static<typeof input.NamePrincipal>): void {
    this.#deps.directory.withdrawConsent(tenantId, clientId)
  }

  setPrincipalEnabled(given: Static<typeof input.SetPrincipalEnabled>): void {
    const principal = this.#deps.directory.principal(given.tenantId, given.clientId)
    if (principal === undefined) throw new Error('There is no such service principal in the tenant.')
    principal.isEnabled = given.isEnabled
  }

  createRole({ name, dataActions }: Static<typeof input.CreateRole>): { roleId: string } {
    return { roleId: this.#deps.roles.defineRole(name, dataActions).id }
  }

  /** By name or id of the role; bites after the delay of effect. */
  assignRole(wanted: Static<typeof input.AssignRole>): { assignmentId: string } {
    const { stores, roles, settings } = this.#deps
    const store = stores.require(wanted.store)
    const below = wanted.keyName === undefined ? '' : `/keys/${wanted.keyName}`
    const scope = store.kind === 'vault' ? `${store.resourceId}${below}` : scopedTo(store.host, below || '/')
    return { assignmentId: roles.assign(wanted.objectId, wanted.role, scope, settings.effectDelayMs) }
  }

  /** What an administrator does for an application: consents to it and assigns it a role. */
  grant(wanted: Static<typeof input.Grant>): { objectId: string; assignmentId: string } {
    const { tenantId, clientId, ...assignment } = wanted
    const { objectId } = this.consent({ tenantId, clientId })
    return { objectId, ...this.assignRole({ objectId, ...assignment }) }
  }

  removeRoleAssignment({ assignmentId }: Static<typeof input.NameAssignment>): void {
    this.#deps.roles.remove(assignmentId, this.#deps.settings.effectDelayMs)
  }

  setEffectDelay({ effectDelayMs }: Static<typeof input.SetEffectDelay>): void {
    this.#deps.settings.effectDelayMs = effectDelayMs
  }

  events(filter: EventFilter = {}): AuditEvent[] {
    return this.#deps.log.entries(filter)
  }

  async waitForEvent(filter: EventFilter, timeoutMs?: number): Promise<AuditEvent> {
    return this.#deps.log.waitFor(filter, timeoutMs)
  }

  clearEvents(): void {
    this.#deps.log.clear()
  }

  #application(clientId: string): Application {
    const application = this.#deps.directory.application(clientId)
    if (application === undefined) throw new Error(`There is no application ${clientId}.`)
    return application
  }
}
