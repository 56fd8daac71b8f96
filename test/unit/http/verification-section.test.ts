import { describe, expect, it } from 'vitest'
import { verificationSection } from '#http/routes/onboarding/verification-section.ts'
import type { VerificationRecord } from '#keks/verification.ts'

const record: VerificationRecord = {
  id: '01980f3e-7a00-7000-8000-000000000001',
  orgId: '01980f3e-7a00-7000-8000-000000000002',
  kekId: '01980f3e-7a00-7000-8000-000000000003',
  verifiedAt: new Date('2026-01-02T03:04:05Z'),
  actor: 'onboarding-link:1',
  verdict: 'surplus',
  checks: [],
  findings: [],
  probes: [],
}

describe('what the page says of a verification', () => {
  it('is what mends several findings, once', () => {
    const fix = 'Remove assignments on the vault.'
    const findings = ['azure-list-keys', 'azure-list-secrets'].map((code) => ({
      code,
      severity: 'warning' as const,
      allows: `Hasp may do ${code}.`,
      fix,
    }))
    const text = verificationSection({ ...record, findings }, 'active').toString()
    for (const { code, allows } of findings) {
      expect(text).toContain(`<code>${code}</code>`)
      expect(text).toContain(allows)
    }
    expect(text.split(fix)).toHaveLength(2)
  })

  it('is what comes next where the KMS refused a key that is in use, and only there', () => {
    const refused: VerificationRecord = {
      ...record,
      verdict: 'failed',
      checks: [
        {
          name: 'describe',
          isPassed: false,
          finding: 'The key is Disabled.',
          kmsRequestId: null,
          fault: { kind: 'revoked', code: 'Disabled' },
        },
      ],
    }
    const next = 'It is suspended once an unwrap is refused'
    expect(verificationSection(refused, 'active').toString()).toContain(next)
    expect(verificationSection(refused, 'pre-activation').toString()).not.toContain(next)
    expect(verificationSection(refused, 'suspended').toString()).not.toContain(next)
  })
})
