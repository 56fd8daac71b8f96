import type { KekFaultKind } from '#kms/kek-fault.ts'
import type { GrantFinding, GrantProbe } from '#kms/kek-grant-linter.ts'

/** What is proven of a grant, in this order; the first that fails ends the verification. */
type CheckName =
  | 'describe'
  | 'ownership'
  | 'wrap-and-unwrap'
  | 'wrong-context-refused'
  | 'foreign-context-refused'
  | 'least-privilege'

/** One thing that was tried on the customer's KMS, and what came of it. */
export type VerificationCheck = Readonly<{
  name: CheckName
  isPassed: boolean
  finding: string
  kmsRequestId: string | null
  /** As of a `KmsCall`. */
  serviceRequestId?: string
  /** What failed, in the taxonomy of `KekFault` and in the cloud's own word; null where it passed. */
  fault: Readonly<{ kind: KekFaultKind; code: string }> | null
}>

/**
 * - `least`: it works, and nothing was found that is more than needed;
 * - `surplus`: it works, and allows more;
 * - `dangerous`: it lets others in; not activated;
 * - `failed`: it does not work;
 * - `unknown`: the KMS did not answer, or our own credentials failed: nothing was learnt.
 */
export const verdicts = ['least', 'surplus', 'dangerous', 'failed', 'unknown'] as const
export type Verdict = (typeof verdicts)[number]

/** Everything that a verification rests on; each KMS request id finds its call in the customer's own log. */
export type VerificationEvidence = Readonly<{
  checks: readonly VerificationCheck[]
  findings: readonly GrantFinding[]
  probes: readonly GrantProbe[]
}>

export type VerificationRecord = VerificationEvidence &
  Readonly<{
    id: string
    orgId: string
    kekId: string
    verifiedAt: Date
    actor: string
    verdict: Verdict
  }>

/** What two verifications must share for nothing to have changed between them. */
export function outcomeOf({
  verdict,
  checks,
  findings,
}: Pick<VerificationRecord, 'verdict' | 'checks' | 'findings'>): string {
  const failed = checks.find((check) => !check.isPassed)?.name ?? ''
  return [verdict, failed, ...findings.map(({ code }) => code).toSorted()].join(' ')
}
