import { EnvelopeError } from '#envelope/envelope-error.ts'
import { KekFault, type KekFaultKind } from '#kms/kek-fault.ts'
import { LedgerError } from '#ledger/ledger-error.ts'
import { Refusal } from './refusal.ts'
import type { RefusalCode } from './refusal-rules.ts'
import { UpstreamError, type UpstreamErrorCode } from './upstream/upstream-error.ts'

const byFault = {
  revoked: 'kek_revoked',
  unreachable: 'kek_unreachable',
  throttled: 'kek_throttled',
  misconfigured: 'kek_misconfigured',
  tampered: 'credential_tampered',
  ours: 'kek_identity_failed',
} as const satisfies Record<KekFaultKind, RefusalCode>

const byUpstreamError = {
  'connect-failed': 'upstream_unreachable',
  'connect-timeout': 'upstream_timeout',
  'tls-failed': 'upstream_unreachable',
  'headers-timeout': 'upstream_timeout',
  'body-timeout': 'upstream_timeout',
  'answer-timeout': 'upstream_timeout',
  reset: 'upstream_unreachable',
  'protocol-error': 'upstream_unreachable',
  aborted: 'upstream_unreachable',
  'address-refused': 'upstream_unreachable',
  'credential-unavailable': 'credential_tampered',
} as const satisfies Record<UpstreamErrorCode, RefusalCode>

/** What the caller is told of an error of ours; undefined for one that nobody foresaw. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error
  if (error instanceof KekFault) {
    const seconds = error.retryAfterMs === undefined ? {} : { retryAfterSeconds: error.retryAfterMs / 1000 }
    return new Refusal(byFault[error.kind], seconds)
  }
  if (error instanceof UpstreamError) return new Refusal(byUpstreamError[error.code])
  if (error instanceof EnvelopeError) return new Refusal('credential_tampered')
  return error instanceof LedgerError ? new Refusal('ledger_unavailable') : undefined
}
