import { createHash } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { invalidArgument, StatusError } from '#emulators/google/wire/status-error.ts'
import type { Roles } from './roles.ts'

const LogType = Type.Enum(['ADMIN_READ', 'DATA_WRITE', 'DATA_READ'])
export const PolicyInput = Type.Object({
  version: Type.Optional(Type.Integer({ minimum: 0, maximum: 3 })),
  etag: Type.Optional(Type.String()),
  bindings: Type.Optional(
    Type.Array(
      Type.Object({
        role: Type.String(),
        members: Type.Array(Type.String(), { maxItems: 1500 }),
        condition: Type.Optional(Type.Object({ expression: Type.Optional(Type.String()) })),
      }),
    ),
  ),
  auditConfigs: Type.Optional(
    Type.Array(
      Type.Object({
        service: Type.String(),
        auditLogConfigs: Type.Array(
          Type.Object({
            logType: LogType,
            exemptedMembers: Type.Optional(Type.Array(Type.String())),
          }),
        ),
      }),
    ),
  ),
})
export type PolicyInput = Static<typeof PolicyInput>

export type Policy = Readonly<{
  etag: string
  bindings: readonly Readonly<{ role: string; members: readonly string[] }>[]
  auditConfigs: NonNullable<PolicyInput['auditConfigs']>
}>

export const emptyPolicy: Policy = { etag: 'ACAB', bindings: [], auditConfigs: [] }

const MEMBER =
  /^(?:allUsers|allAuthenticatedUsers|(?:serviceAccount|user|group|domain):[^\s:]+|principal(?:Set)?:\/\/iam\.googleapis\.com\/\S+)$/

/**
 * Checks a policy before it replaces `current`. What this evaluator could not judge exactly (a condition, a group) is
 * refused here, never guessed at during a call.
 *
 * @throws {StatusError} INVALID_ARGUMENT; ABORTED for an etag of another policy than the present one
 */
export function parsePolicy(input: unknown, roles: Roles, current: Policy): Policy {
  if (!Value.Check(PolicyInput, input)) {
    const fault = Value.Errors(PolicyInput, input)[0]
    throw invalidArgument(`Invalid policy: ${fault?.instancePath ?? ''} ${fault?.message ?? 'does not fit'}`)
  }
  if (input.etag !== undefined && input.etag !== '' && input.etag !== current.etag) {
    throw new StatusError(
      'ABORTED',
      'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
    )
  }
  const bindings = (input.bindings ?? []).map(({ role, members, condition }) => {
    if (roles.permissionsOf(role) === undefined)
      throw invalidArgument(`Role ${role} is not supported for this resource.`)
    if (condition?.expression) throw invalidArgument('The emulator does not evaluate IAM conditions.')
    for (const member of members) requireMember(member)
    return { role, members: [...new Set(members)] }
  })
  const auditConfigs = input.auditConfigs ?? []
  const etag = createHash('sha256')
    .update(current.etag)
    .update(JSON.stringify({ bindings, auditConfigs }))
    .digest('base64')
    .slice(0, 12)
  return { etag, bindings, auditConfigs }
}

function requireMember(member: string): void {
  if (!MEMBER.test(member)) throw invalidArgument(`Invalid member: ${member}`)
  if (/^(?:group|domain):/.test(member)) throw invalidArgument('The emulator knows no groups and no domains.')
}
