import { KekFault } from '#kms/kek-fault.ts'
import {
  misconfigured,
  ours,
  revoked,
  tampered,
  throttled,
  unreachable,
  type Verdict,
  verdictsByCode,
} from '#kms/verdict.ts'
import type { VaultOperation, VaultRefusal } from './azure-refusal.ts'

const DELETED = revoked(
  'The key, its version or its vault does not exist any more: recover it (soft delete keeps it for 7 to 90 days).',
)
const DENIED = revoked(
  'Hasp’s application is not allowed to do this: assign it the role “Key Vault Crypto Service Encryption User” on the key.',
)
const SLOW_DOWN = throttled(
  'Azure asks for fewer requests: use the shared or cached mode, or spread keys over vaults.',
)
const OUTAGE = unreachable('Azure could not answer; nothing was changed. It will be tried again.')
const NETWORK = misconfigured(
  'The network rules of the vault keep Hasp out: allow its addresses, or connect them by a private endpoint.',
)

/** `innererror.code`, or `code` where there is none, in the fault taxonomy; docs/kms-azure.md shows the same table. */
const VERDICTS = verdictsByCode<string>([
  [revoked('The key version is disabled: enable it.'), ['KeyDisabled']],
  [DENIED, ['ForbiddenByRbac', 'AccessDenied', 'ForbiddenByPolicy']],
  [
    revoked('The key’s permitted operations leave this out: permit wrapKey and unwrapKey.'),
    ['KeyOperationForbidden'],
  ],
  [DELETED, ['KeyNotFound', 'VaultNotFound', 'ObjectIsDeletedButRecoverable', 'ObjectIsBeingDeleted']],
  [unreachable('The key is being recovered. It will be tried again.'), ['ObjectIsBeingRecovered']],
  // Only wrapping is refused: what was wrapped before still unwraps, so that nobody took anything away.
  [
    misconfigured(
      'The key version has expired and wraps no more: move its expiry, or register a newer version.',
    ),
    ['KeyExpired'],
  ],
  [misconfigured('The key version is not valid yet: move its activation date.'), ['KeyNotYetValid']],
  [NETWORK, ['ForbiddenByFirewall', 'ForbiddenByConnection']],
  [SLOW_DOWN, ['Throttled']],
])

/** What the text of a 403 says when it is about where a call comes from, and its codes do not say so. */
const ABOUT_NETWORK =
  /firewall|client address|virtual network|public network access|private (?:link|endpoint)/i

/**
 * Judges an answer of a vault or HSM. What is not readable as Azure's own answer (a proxy's page, say) is neither
 * a revocation nor an alarm.
 *
 * @param tenantId the tenant that our token was for
 */
export function judgeVaultRefusal(
  refusal: VaultRefusal,
  operation: VaultOperation,
  tenantId: string,
): Verdict {
  const { status, innerCode, code } = refusal
  if (status === 429) return SLOW_DOWN
  if (status >= 500 || status === 408) return OUTAGE
  if (status === 401) return judgeRefusedToken(refusal, tenantId)
  const verdict = VERDICTS.get(innerCode) ?? VERDICTS.get(code)
  if (verdict !== undefined) return forOperation(verdict, operation)
  if (code === '') {
    return unreachable(
      'The answer is none of Azure’s: something on the way to it answered. Nothing was changed.',
    )
  }
  if (status === 403) {
    const judged = ABOUT_NETWORK.test(refusal.message) ? NETWORK : DENIED
    return forOperation({ ...judged, isAmbiguous: true }, operation)
  }
  if (status === 404) return { ...DELETED, isAmbiguous: true }
  if (status === 400) return judgeBadRequest(code, operation)
  return unreachable('Azure answered with an error that Hasp does not know; nothing was changed.')
}

export function vaultFaultOf(verdict: Verdict, refusal: VaultRefusal, clientRequestId: string): KekFault {
  return new KekFault(verdict.kind, refusal.shownCode, verdict.message, {
    kmsRequestId: clientRequestId,
    serviceRequestId: refusal.serviceRequestId,
    retryAfterMs: refusal.retryAfterMs,
    isAmbiguous: verdict.isAmbiguous,
  })
}

/** Reading a key is granted apart: that it is denied says nothing of wrap and unwrap. */
function forOperation(verdict: Verdict, operation: VaultOperation): Verdict {
  if (operation !== 'getKey' || verdict.message !== DENIED.message) return verdict
  return misconfigured('Reading the key is denied: grant keys/read with wrap and unwrap.')
}

function judgeRefusedToken({ trustedTenantId }: VaultRefusal, tenantId: string): Verdict {
  if (trustedTenantId !== undefined && trustedTenantId !== tenantId) {
    return misconfigured('The vault trusts another tenant than the one given: give the tenant of the vault.')
  }
  return ours('Azure refused Hasp’s token: whoever runs Hasp must check its application and its clock.')
}

function judgeBadRequest(code: string, operation: VaultOperation): Verdict {
  if (operation === 'unwrapKey' && code === 'BadParameter') {
    return tampered('The wrapped DEK is not what was wrapped.')
  }
  if (operation === 'wrapKey') {
    return misconfigured(
      'The key cannot wrap: it must be an RSA key of at least 2048 bits in a vault, or a 256-bit AES key in a Managed HSM.',
    )
  }
  return ours('Azure found the request itself invalid: this is a fault of Hasp, please report it.')
}
