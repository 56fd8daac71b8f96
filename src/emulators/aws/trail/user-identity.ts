import type { Caller } from '#emulators/aws/iam/principal.ts'
import { isoSeconds } from '#emulators/aws/service-dates.ts'

/** CloudTrail's `userIdentity`; made once for each caller, since a session signs many requests. */
export function userIdentity(caller: Caller): Readonly<Record<string, unknown>> {
  const known = identities.get(caller)
  if (known !== undefined) return known
  const identity = describe(caller)
  identities.set(caller, identity)
  return identity
}

const identities = new WeakMap<Caller, Readonly<Record<string, unknown>>>()

function describe(caller: Caller): Readonly<Record<string, unknown>> {
  const { principal, session } = caller
  const common = {
    principalId: caller.principalId,
    arn: caller.arn,
    accountId: principal.accountId,
    accessKeyId: caller.accessKeyId,
  }
  if (principal.kind === 'root') return { type: 'Root', ...common }
  if (session === undefined) return { type: 'IAMUser', ...common, userName: principal.name }
  return {
    type: 'AssumedRole',
    ...common,
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: principal.uniqueId,
        arn: principal.arn,
        accountId: principal.accountId,
        userName: principal.name,
      },
      attributes: { creationDate: isoSeconds(session.issuedAtMs), mfaAuthenticated: 'false' },
    },
  }
}
