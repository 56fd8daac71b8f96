import { randomUUID } from 'node:crypto'
import type { GrantFinding, GrantLint, GrantProbe } from '#kms/kek-grant-linter.ts'
import { SESSION_S } from './assume-role.ts'
import type { AwsKek } from './aws-kek-provider.ts'
import type { AwsLintCalls } from './lint-calls.ts'

/** IAM lets no role be limited to less than an hour. */
const LONGEST_WANTED_S = 3600

const DIRECT_GRANT: GrantFinding = {
  code: 'aws-no-role',
  severity: 'notice',
  allows:
    'The key policy names Hasp’s own principal: calls that are refused after you revoke it stand in Hasp’s trail and not in yours.',
  fix: 'Prefer a role in the account of the key, and register the KEK with its ARN.',
}

/**
 * Who can put on the customer's role. The first two are the confused deputy itself: if either is let in, somebody
 * else can register this role as theirs and reach the key through Hasp.
 */
export async function probeRoleTrust(kek: AwsKek, calls: AwsLintCalls): Promise<GrantLint> {
  if (kek.roleArn === null) return { probes: [], findings: [DIRECT_GRANT] }
  const role = { RoleArn: kek.roleArn, RoleSessionName: 'hasp-lint' }
  const [without, wrong, long] = await Promise.all([
    calls.probeAssumeRole('sts:AssumeRole without the ExternalId', { ...role, DurationSeconds: SESSION_S }),
    calls.probeAssumeRole('sts:AssumeRole with another ExternalId', {
      ...role,
      ExternalId: `hasp-${randomUUID()}`,
      DurationSeconds: SESSION_S,
    }),
    calls.probeAssumeRole('sts:AssumeRole for more than an hour', {
      ...role,
      ExternalId: kek.externalId,
      DurationSeconds: LONGEST_WANTED_S + 900,
    }),
  ])
  return {
    probes: [without, wrong, shortened(long)],
    findings: [
      ...(without.outcome === 'allowed' ? [EXTERNAL_ID_NOT_REQUIRED] : []),
      ...(without.outcome !== 'allowed' && wrong.outcome === 'allowed' ? [EXTERNAL_ID_NOT_PINNED] : []),
      ...(long.outcome === 'allowed' ? [SESSION_LONG] : []),
    ],
  }
}

/** STS refuses a session that is too long as invalid, not as forbidden. */
function shortened(probe: GrantProbe): GrantProbe {
  return probe.answer === 'ValidationError' ? { ...probe, outcome: 'refused' } : probe
}

const EXTERNAL_ID_NOT_REQUIRED: GrantFinding = {
  code: 'aws-external-id-not-required',
  severity: 'dangerous',
  allows:
    'The role can be assumed without an ExternalId: another organisation of this Hasp could name it as its own.',
  fix: 'Add the condition StringEquals sts:ExternalId to every statement of the role’s trust policy that allows sts:AssumeRole to Hasp.',
}
const EXTERNAL_ID_NOT_PINNED: GrantFinding = {
  code: 'aws-external-id-not-pinned',
  severity: 'dangerous',
  allows:
    'The role can be assumed with an ExternalId that is not this KEK’s: another organisation of this Hasp could name it as its own.',
  fix: 'Compare sts:ExternalId by StringEquals with the one ExternalId of this KEK: no wildcard, no list.',
}
const SESSION_LONG: GrantFinding = {
  code: 'aws-role-session-long',
  severity: 'warning',
  allows:
    'A session of the role may last longer than an hour, and AWS honours it to its end after the role’s trust is withdrawn.',
  fix: 'Set the maximum session duration of the role to one hour (aws iam update-role --max-session-duration 3600).',
}
