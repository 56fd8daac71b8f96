import { findRefusal } from '#emulators/aws/iam/authorize.ts'
import type { Identities } from '#emulators/aws/iam/identities.ts'
import type { Caller, Role } from '#emulators/aws/iam/principal.ts'
import { isoSeconds } from '#emulators/aws/service-dates.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import { readAssumeRole, type AssumeRoleRequest } from './assume-role-request.ts'

export type StsCall = Readonly<{ caller: Caller; parameters: ReadonlyMap<string, string> }>

export type StsDeps = Readonly<{ identities: Identities; clock: ServiceClock }>

/** An answer's members (nested one level at most), and what CloudTrail records of it. */
export type StsAnswer = Readonly<{
  members: XmlMembers
  responseElements: Readonly<Record<string, unknown>> | null
  role: Role | undefined
}>

export type XmlMembers = Readonly<{ [name: string]: string | XmlMembers }>

/**
 * AssumeRole (STS API Reference): the role's trust policy decides, with the caller's own policies where the role
 * is in another account. A missing role and a refusing one answer alike.
 *
 * @throws {ServiceError} AccessDenied, ValidationError, MalformedPolicyDocument
 */
export function assumeRole(deps: StsDeps, call: StsCall): StsAnswer {
  const request = readAssumeRole(call.parameters)
  const nowMs = deps.clock.nowMs()
  const role = deps.identities.role(request.roleArn)
  if (role === undefined || isRefused(call.caller, role, request, nowMs)) {
    throw new ServiceError(
      'AccessDenied',
      `User: ${call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${request.roleArn}`,
      403,
    )
  }
  // A role that assumes a role gets an hour at most ("role chaining").
  const secondsMax = call.caller.session === undefined ? role.sessionSecondsMax : 3600
  if (request.seconds > secondsMax) {
    throw new ServiceError(
      'ValidationError',
      call.caller.session === undefined
        ? 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.'
        : 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    )
  }
  const session = deps.identities.createSession(role, {
    name: request.sessionName,
    nowMs,
    seconds: request.seconds,
    policy: request.policy,
  })
  const assumedRole = { AssumedRoleId: session.caller.principalId, Arn: session.caller.arn }
  const issued = {
    AccessKeyId: session.accessKeyId,
    SessionToken: session.sessionToken ?? '',
    Expiration: isoSeconds(session.expiresAtMs ?? nowMs),
  }
  return {
    members: {
      AssumedRoleUser: assumedRole,
      Credentials: { ...issued, SecretAccessKey: session.secretAccessKey },
    },
    responseElements: {
      credentials: {
        accessKeyId: issued.AccessKeyId,
        sessionToken: issued.SessionToken,
        expiration: issued.Expiration,
      },
      assumedRoleUser: { assumedRoleId: assumedRole.AssumedRoleId, arn: assumedRole.Arn },
    },
    role,
  }
}

/** GetCallerIdentity needs no permission: whoever can sign may ask who they are. */
export function getCallerIdentity(call: StsCall): StsAnswer {
  const { caller } = call
  return {
    members: { Arn: caller.arn, UserId: caller.principalId, Account: caller.principal.accountId },
    responseElements: null,
    role: undefined,
  }
}

function isRefused(caller: Caller, role: Role, request: AssumeRoleRequest, nowMs: number): boolean {
  const refusal = findRefusal({
    caller,
    action: 'sts:AssumeRole',
    resourceArn: role.arn,
    resourceAccountId: role.accountId,
    resourcePolicy: role.trust.effective(nowMs),
    context: (name) => {
      if (name === 'sts:externalid')
        return request.externalId === undefined ? undefined : [request.externalId]
      if (name === 'sts:rolesessionname') return [request.sessionName]
      if (name === 'aws:principalarn') return [caller.principal.arn]
      if (name === 'aws:principalaccount') return [caller.principal.accountId]
      if (name === 'aws:principaltype') return [caller.session ? 'AssumedRole' : 'User']
      return name === 'aws:securetransport' ? ['true'] : undefined
    },
    nowMs,
  })
  return refusal !== undefined || caller.principal.kind === 'root'
}
