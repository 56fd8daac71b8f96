import type { DelayedValue } from '#emulators/common/delayed-value.ts'
import type { Policy } from './policy.ts'
import { everybody, memberNames, type Principal } from './principal.ts'
import type { Roles } from './roles.ts'

/** Something with an IAM policy, and what it lies in: allow policies are inherited, and nothing takes away. */
export type Guarded = Readonly<{ policy: DelayedValue<Policy>; parent: Guarded | undefined }>

/** Whether a policy of the resource, or of anything that it lies in, grants the permission. */
export function isGranted(
  resource: Guarded | undefined,
  principal: Principal,
  permission: string,
  roles: Roles,
  nowMs: number,
): boolean {
  const names = new Set([...memberNames(principal), ...everybody])
  for (let at = resource; at !== undefined; at = at.parent) {
    for (const { role, members } of at.policy.effective(nowMs).bindings) {
      const isNamed = members.some((member) => names.has(member))
      if (isNamed && roles.permissionsOf(role)?.includes(permission) === true) return true
    }
  }
  return false
}
