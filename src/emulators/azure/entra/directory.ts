import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { ServiceClock } from '#emulators/common/service-clock.ts'

type Secret = Readonly<{ digest: Buffer; expiresAtMs: number }>
type FederatedCredential = Readonly<{ issuer: string; subject: string; audience: string }>

/** An app registration, in its home tenant. */
export type Application = {
  readonly clientId: string
  readonly name: string
  readonly homeTenantId: string
  readonly secrets: Secret[]
  readonly federatedCredentials: FederatedCredential[]
  isEnabled: boolean
}

/** What an application is in one tenant, made by consent: what roles are assigned to. */
export type ServicePrincipal = {
  readonly objectId: string
  readonly tenantId: string
  readonly application: Application
  isEnabled: boolean
}

const SECRET_LIFETIME_MS = 180 * 86_400_000

/** Tenants, applications and service principals. Changes here bite at once: tokens that exist live on. */
export class EntraDirectory {
  readonly #clock: ServiceClock
  readonly #tenants = new Set<string>()
  readonly #applications = new Map<string, Application>()
  readonly #principals = new Map<string, ServicePrincipal>()

  constructor(clock: ServiceClock) {
    this.#clock = clock
  }

  addTenant(tenantId: string = randomUUID()): string {
    this.#tenants.add(tenantId)
    return tenantId
  }

  removeTenant(tenantId: string): void {
    this.#tenants.delete(tenantId)
  }

  hasTenant(tenantId: string): boolean {
    return this.#tenants.has(tenantId)
  }

  /** Registered in its home tenant, where it has a service principal from the start. */
  addApplication(homeTenantId: string, name: string, clientId: string = randomUUID()): Application {
    if (!this.hasTenant(homeTenantId)) throw new Error(`There is no tenant ${homeTenantId}.`)
    const application: Application = {
      clientId,
      name,
      homeTenantId,
      secrets: [],
      federatedCredentials: [],
      isEnabled: true,
    }
    this.#applications.set(clientId, application)
    this.consent(homeTenantId, clientId)
    return application
  }

  application(clientId: string): Application | undefined {
    return this.#applications.get(clientId)
  }

  removeApplication(clientId: string): void {
    this.#applications.delete(clientId)
    for (const [name, principal] of this.#principals) {
      if (principal.application.clientId === clientId) this.#principals.delete(name)
    }
  }

  addSecret(application: Application, text = randomBytes(30).toString('base64url')): string {
    application.secrets.push({
      digest: digestOf(text),
      expiresAtMs: this.#clock.nowMs() + SECRET_LIFETIME_MS,
    })
    return text
  }

  /** @returns whether it is one of the application's, and whether it is still good */
  checkSecret(application: Application, text: string): 'good' | 'expired' | 'wrong' {
    const digest = digestOf(text)
    const secret = application.secrets.find((one) => timingSafeEqual(one.digest, digest))
    if (secret === undefined) return 'wrong'
    return secret.expiresAtMs > this.#clock.nowMs() ? 'good' : 'expired'
  }

  consent(tenantId: string, clientId: string): ServicePrincipal {
    const application = this.#applications.get(clientId)
    if (application === undefined) throw new Error(`There is no application ${clientId}.`)
    if (!this.hasTenant(tenantId)) throw new Error(`There is no tenant ${tenantId}.`)
    const known = this.principal(tenantId, clientId)
    if (known !== undefined) return known
    const principal = { objectId: randomUUID(), tenantId, application, isEnabled: true }
    this.#principals.set(nameOf(tenantId, clientId), principal)
    return principal
  }

  withdrawConsent(tenantId: string, clientId: string): void {
    this.#principals.delete(nameOf(tenantId, clientId))
  }

  principal(tenantId: string, clientId: string): ServicePrincipal | undefined {
    return this.#principals.get(nameOf(tenantId, clientId))
  }
}

function nameOf(tenantId: string, clientId: string): string {
  return `${tenantId}/${clientId}`
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
