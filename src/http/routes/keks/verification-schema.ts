import { Type, type Static } from 'typebox'
import { verdicts, type Verdict, type VerificationRecord } from '#keks/verification.ts'
import { findingSeverities, type FindingSeverity } from '#kms/kek-grant-linter.ts'
import { Id, Nullable, Time } from '#http/schemas.ts'

const KmsRequestId = Nullable(
  Type.String({ description: 'By which the call is found in the log of the KMS’s owner.' }),
)
const ServiceRequestId = Type.Optional(
  Type.String({
    description: 'The cloud’s own id of the call, where kmsRequestId is one that Hasp gave it (Azure).',
  }),
)
const VerdictReply = Type.Unsafe<Verdict>({
  type: 'string',
  enum: [...verdicts],
  description:
    'least: works, and nothing more was found; surplus: works and allows more; dangerous: lets others in; failed; unknown: the KMS gave no answer.',
})

const Finding = Type.Object({
  code: Type.String(),
  severity: Type.Unsafe<FindingSeverity>({ type: 'string', enum: [...findingSeverities] }),
  allows: Type.String({ description: 'What the surplus right would allow.' }),
  fix: Type.String({ description: 'What the owner of the key changes.' }),
})

/** Everything that a verification rests on. */
export const VerificationEvidence = Type.Object({
  verificationId: Id,
  verifiedAt: Time,
  actor: Type.String(),
  verdict: VerdictReply,
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      isPassed: Type.Boolean(),
      finding: Type.String(),
      kmsRequestId: KmsRequestId,
      serviceRequestId: ServiceRequestId,
      fault: Nullable(
        Type.Object({
          kind: Type.String({
            description: 'revoked, unreachable, throttled, misconfigured, tampered or ours.',
          }),
          code: Type.String({ description: 'In the word of the cloud, such as DisabledException.' }),
        }),
      ),
    }),
  ),
  findings: Type.Array(Finding),
  probes: Type.Array(
    Type.Object({
      action: Type.String(),
      outcome: Type.Unsafe<'refused' | 'allowed' | 'unclear'>({
        type: 'string',
        enum: ['refused', 'allowed', 'unclear'],
      }),
      answer: Type.String(),
      kmsRequestId: KmsRequestId,
      serviceRequestId: ServiceRequestId,
    }),
  ),
})

/** The last verification, as it shows on its KEK. */
export const VerificationSummary = Type.Object({
  verifiedAt: Time,
  verdict: VerdictReply,
  findings: Type.Array(Finding),
})

export function evidenceReply(record: VerificationRecord): Static<typeof VerificationEvidence> {
  return {
    verificationId: record.id,
    actor: record.actor,
    checks: record.checks.map((check) => ({ ...check, fault: check.fault && { ...check.fault } })),
    probes: record.probes.map((probe) => ({ ...probe })),
    ...verificationSummary(record),
  }
}

export function verificationSummary(record: VerificationRecord): Static<typeof VerificationSummary> {
  return {
    verifiedAt: record.verifiedAt.toISOString(),
    verdict: record.verdict,
    findings: record.findings.map((finding) => ({ ...finding })),
  }
}
