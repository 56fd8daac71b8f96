import type { RequestContext } from './condition.ts'
import type { PolicyDocument, Statement } from './policy-document.ts'
import type { Caller } from './principal.ts'
import { matchesWildcard } from './wildcard.ts'

export type AccessRequest = Readonly<{
  caller: Caller
  /** `kms:Decrypt`, `sts:AssumeRole`, … */
  action: string
  resourceArn: string
  resourceAccountId: string
  /** The key's policy or the role's trust policy; undefined for actions that have no resource policy. */
  resourcePolicy: PolicyDocument | undefined
  context: RequestContext
  nowMs: number
}>

/**
 * Decides as IAM's evaluation logic does: an explicit deny anywhere wins; across accounts both the resource's
 * policy and the caller's own must allow; within an account the resource's policy must name the caller, or hand
 * the decision to the account (its root) and the caller's own policies allow. KMS adds that without the key
 * policy nothing allows. A session policy narrows all but a grant to that very session.
 *
 * @returns undefined when allowed; else the tail of AWS's message ("because no … allows …")
 */
export function findRefusal(request: AccessRequest): string | undefined {
  const { caller, nowMs } = request
  const identity = caller.principal.policies.effective(nowMs)
  const session = caller.session?.policy === undefined ? undefined : [caller.session.policy]
  const resource = request.resourcePolicy === undefined ? undefined : [request.resourcePolicy]

  if (resource && deniesResource(resource, request)) return 'with an explicit deny in a resource-based policy'
  if (matchingEffects(identity, request).has('Deny'))
    return 'with an explicit deny in an identity-based policy'
  if (session && matchingEffects(session, request).has('Deny'))
    return 'with an explicit deny in a session policy'

  const grant = resource === undefined ? 'account' : resourceGrant(resource, request)
  if (grant === 'none') return `because no resource-based policy allows the ${request.action} action`
  const isSameAccount = request.resourceAccountId === caller.principal.accountId
  const needsIdentity = grant === 'account' || !isSameAccount
  if (needsIdentity && caller.principal.kind !== 'root' && !matchingEffects(identity, request).has('Allow')) {
    return `because no identity-based policy allows the ${request.action} action`
  }
  if (session && grant !== 'session' && !matchingEffects(session, request).has('Allow')) {
    return `because no session policy allows the ${request.action} action`
  }
  return undefined
}

type Grant = 'none' | 'account' | 'principal' | 'session'

function resourceGrant(policies: readonly PolicyDocument[], request: AccessRequest): Grant {
  const { caller } = request
  let grant: Grant = 'none'
  for (const policy of policies) {
    for (const statement of policy.statements) {
      if (statement.effect !== 'Allow' || !isAbout(statement, request)) continue
      if (caller.session && statement.principals.includes(caller.arn)) return 'session'
      if (namesPrincipal(statement, caller)) grant = 'principal'
      else if (grant === 'none' && statement.principals.includes(rootArn(caller))) grant = 'account'
    }
  }
  return grant
}

function deniesResource(policies: readonly PolicyDocument[], request: AccessRequest): boolean {
  const { caller } = request
  return policies.some((policy) =>
    policy.statements.some(
      (statement) =>
        statement.effect === 'Deny' &&
        (namesPrincipal(statement, caller) ||
          statement.principals.includes(caller.arn) ||
          statement.principals.includes(rootArn(caller))) &&
        isAbout(statement, request),
    ),
  )
}

function namesPrincipal(statement: Statement, caller: Caller): boolean {
  return statement.principals.includes('*') || statement.principals.includes(caller.principal.arn)
}

function rootArn(caller: Caller): string {
  return `arn:aws:iam::${caller.principal.accountId}:root`
}

function matchingEffects(policies: readonly PolicyDocument[], request: AccessRequest): Set<'Allow' | 'Deny'> {
  const effects = new Set<'Allow' | 'Deny'>()
  for (const policy of policies) {
    for (const statement of policy.statements) {
      if (!effects.has(statement.effect) && isAbout(statement, request)) effects.add(statement.effect)
    }
  }
  return effects
}

function isAbout(statement: Statement, request: AccessRequest): boolean {
  const action = request.action.toLowerCase()
  return (
    statement.actions.some((pattern) => matchesWildcard(pattern, action)) !== statement.isNotAction &&
    statement.resources.some((pattern) => matchesWildcard(pattern, request.resourceArn)) !==
      statement.isNotResource &&
    statement.conditions.every((holds) => holds(request.context))
  )
}
