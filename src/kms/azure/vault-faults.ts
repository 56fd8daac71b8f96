import { KekFault } from '#kms/kek-fault.ts'
import type { Verdict, VaultOperation, VaultRefusal } from './azure-refusal.ts'

const DELETED =
  'The key, its version or its vault does not exist any more: recover it (soft delete keeps it for 7 to 90 days).'
const DENIED =
  'Hasp’s application is not allowed to do this: assign it the role “Key Vault Crypto Service Encryption User” on the key.'
const SLOW_DOWN = 'Azure asks for fewer requests: use the shared or cached mode, or spread keys over vaults.'
const OUTAGE = 'Azure could not answer; nothing was changed. It will be tried again.'
const NETWORK =
  'The network rules of the vault keep Hasp out: allow its addresses, or connect them by a private endpoint.'

const revoked = (message: string): Verdict => ({ kind: 'revoked', message })
const misconfigured = (message: string): Verdict => ({ kind: 'misconfigured', message })

/**
 * `innererror.code`, or `code` where there is none, in the fault taxonomy. One row each; docs/kms-azure.md shows
 * the same table.
 */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  KeyDisabled: revoked('The key version is disabled: enable it.'),
  ForbiddenByRbac: revoked(DENIED),
  AccessDenied: revoked(DENIED),
  ForbiddenByPolicy: revoked(DENIED),
  KeyOperationForbidden: revoked(
    'The key’s permitted operations leave this out: permit wrapKey and unwrapKey.',
  ),
  KeyNotFound: revoked(DELETED),
  VaultNotFound: revoked(DELETED),
  ObjectIsDeletedButRecoverable: revoked(DELETED),
  ObjectIsBeingDeleted: revoked(DELETED),
  ObjectIsBeingRecovered: {
    kind: 'unreachable',
    message: 'The key is being recovered. It will be tried again.',
  },

  // Only wrapping is refused: what was wrapped before still unwraps, so that nobody took anything away.
  KeyExpired: misconfigured(
    'The key version has expired and wraps no more: move its expiry, or register a newer version.',
  ),
  KeyNotYetValid: misconfigured('The key version is not valid yet: move its activation date.'),
  ForbiddenByFirewall: misconfigured(NETWORK),
  ForbiddenByConnection: misconfigured(NETWORK),

  Throttled: { kind: 'throttled', message: SLOW_DOWN },
}

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
  if (status === 429) return { kind: 'throttled', message: SLOW_DOWN }
  if (status >= 500 || status === 408) return { kind: 'unreachable', message: OUTAGE }
  if (status === 401) return judgeRefusedToken(refusal, tenantId)
  const verdict = ownVerdict(innerCode) ?? ownVerdict(code)
  if (verdict !== undefined) return forOperation(verdict, operation)
  if (code === '') {
    return {
      kind: 'unreachable',
      message: 'The answer is none of Azure’s: something on the way to it answered. Nothing was changed.',
    }
  }
  if (status === 403) {
    const judged = ABOUT_NETWORK.test(refusal.message) ? misconfigured(NETWORK) : revoked(DENIED)
    return forOperation({ ...judged, isAmbiguous: true }, operation)
  }
  if (status === 404) return { ...revoked(DELETED), isAmbiguous: true }
  if (status === 400) return judgeBadRequest(code, operation)
  return {
    kind: 'unreachable',
    message: 'Azure answered with an error that Hasp does not know; nothing was changed.',
  }
}

export function vaultFaultOf(verdict: Verdict, refusal: VaultRefusal, clientRequestId: string): KekFault {
  return new KekFault(verdict.kind, refusal.shownCode, verdict.message, {
    kmsRequestId: clientRequestId,
    serviceRequestId: refusal.serviceRequestId,
    retryAfterMs: refusal.retryAfterMs,
    isAmbiguous: verdict.isAmbiguous,
  })
}

function ownVerdict(code: string): Verdict | undefined {
  return Object.hasOwn(VERDICTS, code) ? VERDICTS[code] : undefined
}

/** Reading a key is granted apart: that it is denied says nothing of wrap and unwrap. */
function forOperation(verdict: Verdict, operation: VaultOperation): Verdict {
  if (operation !== 'getKey' || verdict.message !== DENIED) return verdict
  return misconfigured('Reading the key is denied: grant keys/read with wrap and unwrap.')
}

function judgeRefusedToken({ trustedTenantId }: VaultRefusal, tenantId: string): Verdict {
  if (trustedTenantId !== undefined && trustedTenantId !== tenantId) {
    return misconfigured('The vault trusts another tenant than the one given: give the tenant of the vault.')
  }
  return {
    kind: 'ours',
    message: 'Azure refused Hasp’s token: whoever runs Hasp must check its application and its clock.',
  }
}

function judgeBadRequest(code: string, operation: VaultOperation): Verdict {
  if (operation === 'unwrapKey' && code === 'BadParameter') {
    return { kind: 'tampered', message: 'The wrapped DEK is not what was wrapped.' }
  }
  if (operation === 'wrapKey') {
    return misconfigured(
      'The key cannot wrap: it must be an RSA key of at least 2048 bits in a vault, or a 256-bit AES key in a Managed HSM.',
    )
  }
  return {
    kind: 'ours',
    message: 'Azure found the request itself invalid: this is a fault of Hasp, please report it.',
  }
}
