import type { GrantFinding, GrantLint, GrantProbe, LintRequest } from '#kms/kek-grant-linter.ts'
import { FINDINGS } from './key-right-findings.ts'
import type { AwsLintCalls } from './lint-calls.ts'
import { type Attempt, attemptOnOther, attemptsOn } from './lint-attempts.ts'
import { lintKeyPolicy } from './lint-key-policy.ts'

/** What may be done with the key itself, and beside it. */
export async function probeKeyRights(
  calls: AwsLintCalls,
  request: LintRequest & { isRole: boolean; grantee: string },
): Promise<GrantLint> {
  const attempts = attemptsOn(calls.kmsKey.arn, request)
  const answered = await Promise.all(attempts.map((attempt) => tryOne(calls, request, attempt)))
  const more = [
    lintKeyPolicy(replyTo(answered, 'kms:GetKeyPolicy'), request.grantee),
    await probeOtherKey(calls, request, replyTo(answered, 'kms:ListKeys')),
  ]
  // Several calls may show the same surplus: it is one finding.
  const surplus = new Set(
    answered.filter(({ probe }) => probe.outcome === 'allowed').map(({ attempt }) => attempt.code),
  )
  return {
    probes: [...answered.map(({ probe }) => probe), ...more.flatMap(({ probes }) => probes)],
    findings: [...[...surplus].map((code) => findingOf(code)), ...more.flatMap(({ findings }) => findings)],
  }
}

type Answer = Readonly<{ attempt: Attempt; probe: GrantProbe; reply: unknown }>

async function tryOne(calls: AwsLintCalls, request: LintRequest, attempt: Attempt): Promise<Answer> {
  const end = attempt.isUnwrap === true ? await request.beforeUnwrap() : undefined
  const { reply, ...probe } = await calls.probe(attempt.action, attempt.call)
  end?.({ code: probe.answer, kmsRequestId: probe.kmsRequestId ?? undefined })
  return { attempt, probe, reply }
}

/** Where the keys of the account may be listed, whether the grant reaches one of the others too. */
async function probeOtherKey(
  calls: AwsLintCalls,
  request: LintRequest,
  listKeysReply: unknown,
): Promise<GrantLint> {
  const other = otherKeyIn(listKeysReply, calls.kmsKey.arn)
  if (other === undefined) return { probes: [], findings: [] }
  const attempt = attemptOnOther(other, request)
  const { probe } = await tryOne(calls, request, attempt)
  return { probes: [probe], findings: probe.outcome === 'allowed' ? [findingOf(attempt.code)] : [] }
}

function findingOf(code: keyof typeof FINDINGS): GrantFinding {
  return { code, ...FINDINGS[code] }
}

function replyTo(answered: readonly Answer[], action: string): unknown {
  return answered.find(({ attempt }) => attempt.action === action)?.reply
}

function otherKeyIn(listKeysReply: unknown, arn: string): string | undefined {
  if (typeof listKeysReply !== 'object' || listKeysReply === null || !('Keys' in listKeysReply))
    return undefined
  // The SDK's own reply of ListKeys.
  const listed = listKeysReply.Keys as readonly { KeyArn?: string }[] | undefined
  return listed?.find(({ KeyArn }) => KeyArn !== undefined && KeyArn !== arn)?.KeyArn
}
