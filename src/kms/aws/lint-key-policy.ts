import type { GrantFinding, GrantLint } from '#kms/kek-grant-linter.ts'
import { FINDINGS } from './key-right-findings.ts'

type Statement = Readonly<{
  Effect?: unknown
  Principal?: unknown
  Action?: unknown
  Condition?: unknown
}>

/** Rights that nobody can test for without using them. */
const UNTRIED: readonly (readonly [action: string, code: keyof typeof FINDINGS])[] = [
  ['kms:ScheduleKeyDeletion', 'aws-delete-key'],
  ['kms:EnableKey', 'aws-change-key-state'],
  ['kms:PutKeyPolicy', 'aws-put-key-policy'],
]

/**
 * Whoever may read the key policy may as well be told what stands in it: the rights that have no dry run, and
 * principals without an end. Where it can not be read, which is as it should be, nothing is said.
 */
export function lintKeyPolicy(getKeyPolicyReply: unknown, grantee: string): GrantLint {
  const statements = statementsOf(getKeyPolicyReply).filter((statement) => statement.Effect === 'Allow')
  const codes = new Set<keyof typeof FINDINGS>()
  for (const statement of statements) {
    const principals = principalsOf(statement.Principal)
    if (principals.includes('*') && statement.Condition === undefined) codes.add('aws-key-policy-open')
    if (!principals.includes(grantee) && !principals.includes('*')) continue
    for (const [action, code] of UNTRIED) if (allowsAction(statement.Action, action)) codes.add(code)
  }
  return { probes: [], findings: [...codes].map((code): GrantFinding => ({ code, ...FINDINGS[code] })) }
}

function statementsOf(reply: unknown): Statement[] {
  if (typeof reply !== 'object' || reply === null || !('Policy' in reply)) return []
  try {
    const policy: unknown = JSON.parse(String(reply.Policy))
    if (typeof policy !== 'object' || policy === null || !('Statement' in policy)) return []
    return [policy.Statement]
      .flat()
      .filter((one): one is Statement => typeof one === 'object' && one !== null)
  } catch {
    return []
  }
}

function principalsOf(principal: unknown): string[] {
  if (typeof principal === 'string') return [principal]
  if (typeof principal !== 'object' || principal === null || !('AWS' in principal)) return []
  return [principal.AWS].flat().map(String)
}

/** IAM's `*` and `?`, ignoring case. */
function allowsAction(actions: unknown, action: string): boolean {
  return [actions].flat().some((pattern) => {
    const source = String(pattern)
      .slice(0, 200)
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*+/g, '.*')
      .replace(/\?/g, '.')
    return new RegExp(`^${source}$`, 'i').test(action)
  })
}
