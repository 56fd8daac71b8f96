import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type { RoleAssignments } from '#emulators/azure/rbac/assignments.ts'
import type { Claims } from '#emulators/azure/entra/jwt.ts'
import type { Store, Stores } from './store.ts'

export type Json = Readonly<Record<string, unknown>>

export type VaultSettings = { effectDelayMs: number }

export type VaultDeps = Readonly<{
  stores: Stores
  roles: RoleAssignments
  clock: ServiceClock
  settings: VaultSettings
}>

/** One authenticated request on its way through an operation, and what the audit record needs of it. */
export type VaultCall = {
  readonly store: Store
  readonly claims: Claims
  readonly body: Json
  readonly name: string
  readonly version: string
  readonly nowMs: number
  /** `https://…/keys/name/version`, as far as it is known. */
  objectId: string
  algorithm: string | undefined
  assignmentId: string | undefined
}
