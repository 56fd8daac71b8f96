import { KekFault } from '#kms/kek-fault.ts'
import { ours, revoked, throttled, unreachable, type Verdict, verdictsByCode } from '#kms/verdict.ts'
import type { EntraRefusal } from './azure-refusal.ts'

const SLOW_DOWN = throttled('Entra asks for fewer requests. It will be tried again.')
const OUTAGE = unreachable('Entra could not answer; nothing was changed. It will be tried again.')

/**
 * AADSTS numbers in the fault taxonomy ("Microsoft Entra authentication and authorization error codes");
 * docs/kms-azure.md shows the same table.
 */
const VERDICTS = verdictsByCode<number>([
  // Unknown, unconsented, disabled or unassigned application; a missing or disabled service principal.
  [
    revoked(
      'Hasp’s application has no service principal in the tenant, or it was disabled or refused: consent to it again and enable it.',
    ),
    [700016, 7000112, 7000229, 65001, 65004, 50105, 501051, 500011, 500014, 650052],
  ],
  [revoked('The tenant does not exist any more, or Key Vault is not available in it.'), [90002, 5000224]],
  [
    revoked(
      'A policy of the tenant refuses Hasp’s application: let it through the conditional access rules.',
    ),
    [53003, 530003, 53000, 53001],
  ],
  // Secrets and assertions of ours: wrong, expired, not yet valid, not matching our federated credential.
  [
    ours(
      'Entra refused Hasp’s own credentials: whoever runs Hasp must renew its client secret or federated credential, and check its clock.',
    ),
    [
      7000215, 7000222, 7000212, 700024, 700027, 700021, 70021, 700211, 700212, 700213, 700214, 700222,
      700223, 700030, 50012, 50027, 50013, 500133, 90014, 90023, 900144, 900023, 7000218, 7000216, 70011,
      1002012,
    ],
  ],
  [SLOW_DOWN, [50196, 90055, 900555]],
  [OUTAGE, [90033, 50000, 90006, 90024, 500082]],
])

/** Codes that also mean that our own registration is gone: only a second read tells whose doing it is. */
const AMBIGUOUS: ReadonlySet<number> = new Set([700016, 7000112])

export function isAboutApplication(refusal: EntraRefusal): boolean {
  return refusal.codes.some((code) => AMBIGUOUS.has(code))
}

/** Judges an answer of the token endpoint. Neither a revocation nor an alarm is made of what we cannot read. */
function judgeEntraRefusal({ status, codes }: EntraRefusal): Verdict {
  for (const code of codes) {
    const verdict = VERDICTS.get(code)
    if (verdict !== undefined) return verdict
  }
  if (status === 429) return SLOW_DOWN
  if (status >= 500 || codes.length === 0) return OUTAGE
  return unreachable('Entra answered with an error that Hasp does not know; nothing was changed.')
}

export function entraFaultOf(refusal: EntraRefusal, verdict: Verdict = judgeEntraRefusal(refusal)): KekFault {
  return new KekFault(verdict.kind, refusal.shownCode, verdict.message, {
    kmsRequestId: refusal.correlationId,
    retryAfterMs: refusal.retryAfterMs,
    isAmbiguous: isAboutApplication(refusal),
  })
}

/** The application is refused in its own home tenant too: nobody but its owner can have done that. */
export function ownApplicationFault(refusal: EntraRefusal): KekFault {
  return entraFaultOf(
    refusal,
    ours('Hasp’s own application is gone or disabled: whoever runs Hasp must restore it.'),
  )
}

export function noApplicationFault(): KekFault {
  return new KekFault(
    'ours',
    'no-credentials',
    'Hasp has no Azure application of its own, or cannot read its credentials: whoever runs Hasp must set HASP_AZURE_CLIENT_ID with a federated token or a client secret.',
  )
}
