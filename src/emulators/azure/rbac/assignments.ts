import { randomUUID } from 'node:crypto'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { DelayedValue } from '#emulators/common/delayed-value.ts'
import { allows, builtInRoles, type RoleDefinition } from './roles.ts'

type Assignment = Readonly<{
  id: string
  objectId: string
  role: RoleDefinition
  /** In lower case; covers itself and everything below. */
  scope: string
  isGranted: DelayedValue<boolean>
}>

/** Role definitions and role assignments, of Azure RBAC and of HSMs' own; changes bite after their delay. */
export class RoleAssignments {
  readonly #clock: ServiceClock
  readonly #roles = [...builtInRoles]
  readonly #assignments = new Map<string, Assignment>()

  constructor(clock: ServiceClock) {
    this.#clock = clock
  }

  defineRole(name: string, dataActions: readonly string[]): RoleDefinition {
    const role = { id: randomUUID(), name, dataActions }
    this.#roles.push(role)
    return role
  }

  /** @throws {Error} for a role that nobody defined */
  assign(objectId: string, roleName: string, scope: string, delayMs: number): string {
    const role = this.#roles.find(({ name, id }) => name === roleName || id === roleName)
    if (role === undefined) throw new Error(`There is no role ${roleName}.`)
    const isGranted = new DelayedValue(false)
    isGranted.set(true, this.#clock.nowMs(), delayMs)
    const id = randomUUID()
    this.#assignments.set(id, { id, objectId, role, scope: scope.toLowerCase(), isGranted })
    return id
  }

  remove(assignmentId: string, delayMs: number): void {
    const assignment = this.#assignments.get(assignmentId)
    if (assignment === undefined) throw new Error(`There is no role assignment ${assignmentId}.`)
    assignment.isGranted.set(false, this.#clock.nowMs(), delayMs)
  }

  /** The assignment by which a principal may do `action` on `resource` now. */
  find(objectId: string, action: string, resource: string): string | undefined {
    const wanted = resource.toLowerCase()
    const nowMs = this.#clock.nowMs()
    for (const assignment of this.#assignments.values()) {
      if (assignment.objectId !== objectId || !assignment.isGranted.effective(nowMs)) continue
      const { scope } = assignment
      const isWithin = scope === '/' || wanted === scope || wanted.startsWith(`${scope}/`)
      if (isWithin && allows(assignment.role, action)) return assignment.id
    }
    return undefined
  }
}
