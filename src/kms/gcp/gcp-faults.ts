import { KekFault } from '#kms/kek-fault.ts'
import type { GcpOperation, GcpRefusal, Verdict } from './gcp-refusal.ts'
import { API_DISABLED, verdictOfPrecondition } from './precondition.ts'

const OUTAGE = 'Google KMS could not answer; nothing was changed. It will be tried again.'
const OUR_REQUEST = 'Google found the request itself invalid: this is a fault of Hasp, please report it.'
const OUR_CREDENTIALS = 'Hasp’s own Google credentials were refused: whoever runs Hasp must renew them.'
const PERIMETER =
  'A perimeter of VPC Service Controls or an organisation policy keeps Hasp out: let it in, or use another project.'

/** Reasons of google.rpc.ErrorInfo that say more than the status (google.api.ErrorReason). */
const REASONS: Readonly<Record<string, Verdict>> = {
  SERVICE_DISABLED: API_DISABLED,
  SERVICE_NOT_VISIBLE: API_DISABLED,
  BILLING_DISABLED: {
    kind: 'misconfigured',
    message: 'The project has no active billing account: link one.',
  },
  CONSUMER_INVALID: {
    kind: 'misconfigured',
    message: 'The project cannot be used: check that it is active.',
  },
  CONSUMER_SUSPENDED: {
    kind: 'misconfigured',
    message: 'Google has suspended the project: see to it there.',
  },
  RESOURCE_USAGE_RESTRICTION_VIOLATED: { kind: 'misconfigured', message: PERIMETER },
  SECURITY_POLICY_VIOLATED: { kind: 'misconfigured', message: PERIMETER },
  ORG_RESTRICTION_VIOLATION: { kind: 'misconfigured', message: PERIMETER },
  LOCATION_POLICY_VIOLATED: { kind: 'misconfigured', message: PERIMETER },
  LOCATION_ORG_POLICY_VIOLATED: { kind: 'misconfigured', message: PERIMETER },
  RATE_LIMIT_EXCEEDED: { kind: 'throttled', message: 'The KMS quota of the project is used up.' },
  RESOURCE_QUOTA_EXCEEDED: { kind: 'throttled', message: 'The KMS quota of the project is used up.' },
  ACCESS_TOKEN_EXPIRED: { kind: 'ours', message: OUR_CREDENTIALS },
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: { kind: 'ours', message: OUR_CREDENTIALS },
  ACCESS_TOKEN_TYPE_UNSUPPORTED: { kind: 'ours', message: OUR_CREDENTIALS },
  ACCOUNT_STATE_INVALID: { kind: 'ours', message: OUR_CREDENTIALS },
  CREDENTIALS_MISSING: { kind: 'ours', message: OUR_CREDENTIALS },
}

const WORDS = { Encrypt: 'useToEncrypt', Decrypt: 'useToDecrypt' } as const

/** Judges how Google ended a call. One row each; docs/kms-gcp.md shows the same table. */
export function judgeRefusal(refusal: GcpRefusal, operation: GcpOperation): Verdict {
  const { reason, status } = refusal
  const byReason = reason !== undefined && Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined
  if (byReason !== undefined) return { code: reason ?? status, ...byReason }
  switch (status) {
    case 'INVALID_ARGUMENT':
      return judgeInvalidArgument(refusal, operation)
    case 'PERMISSION_DENIED':
      return judgeDenial(refusal, operation)
    case 'FAILED_PRECONDITION':
      return verdictOfPrecondition(refusal)
    case 'NOT_FOUND':
      return {
        kind: 'revoked',
        isAmbiguous: true,
        message: 'The key or its version does not exist (any more): restore the key that wrapped this.',
      }
    case 'RESOURCE_EXHAUSTED':
      return {
        kind: 'throttled',
        message:
          'Google asks for fewer requests: raise the KMS quota of the project, or use the shared or cached mode.',
      }
    case 'UNAUTHENTICATED':
      return { kind: 'ours', message: OUR_CREDENTIALS }
    case 'CANCELLED':
      return {
        kind: 'unreachable',
        code: 'aborted',
        message: 'The call was given up before Google KMS answered.',
      }
    case 'DEADLINE_EXCEEDED':
      return {
        kind: 'unreachable',
        code: 'timeout',
        message: 'Google KMS did not answer in time; nothing was changed.',
      }
    case 'UNIMPLEMENTED':
    case 'OUT_OF_RANGE':
    case 'ALREADY_EXISTS':
      return { kind: 'ours', message: OUR_REQUEST }
    // Neither a revocation nor an alarm is made of what does not speak of the key.
    case 'OK':
    case 'UNKNOWN':
    case 'ABORTED':
    case 'INTERNAL':
    case 'UNAVAILABLE':
    case 'DATA_LOSS':
      return { kind: 'unreachable', message: OUTAGE }
  }
}

function judgeInvalidArgument({ message }: GcpRefusal, operation: GcpOperation): Verdict {
  // Ours arrived damaged: the bytes at rest are not to blame.
  if (/checksum|crc32c/i.test(message)) return crcMismatch
  if (/purpose|algorithm|protection level/i.test(message)) {
    return {
      kind: 'misconfigured',
      code: 'InvalidKeyPurpose',
      message: 'The key must have purpose ENCRYPT_DECRYPT.',
    }
  }
  if (/location|region/i.test(message) && !/decryption failed/i.test(message)) {
    return {
      kind: 'misconfigured',
      code: 'WrongLocation',
      message: 'The key is not in the location that its name says: check the name.',
    }
  }
  if (operation === 'Decrypt') {
    return { kind: 'tampered', message: 'The wrapped DEK or its context is not what was wrapped.' }
  }
  return { kind: 'ours', message: OUR_REQUEST }
}

function judgeDenial({ message, violations }: GcpRefusal, operation: GcpOperation): Verdict {
  if (/has not been used in project|api .*is disabled/i.test(message)) return API_DISABLED
  if (/billing/i.test(message)) {
    return {
      kind: 'misconfigured',
      code: 'BILLING_DISABLED',
      message: 'The project has no active billing account: link one.',
    }
  }
  const isPerimeter =
    violations.some(({ type }) => type === 'VPC_SERVICE_CONTROLS') ||
    /vpcServiceControls|organization[’']s policy/i.test(message)
  if (isPerimeter) return { kind: 'misconfigured', code: 'VPC_SERVICE_CONTROLS', message: PERIMETER }
  // Google hides whether a key exists from those who may not use it: a missing key is denied as well.
  return {
    kind: 'revoked',
    isAmbiguous: true,
    message: `cloudkms.cryptoKeyVersions.${WORDS[operation]} is denied, or the key does not exist: grant Cloud KMS CryptoKey Encrypter/Decrypter on the key.`,
  }
}

const crcMismatch: Verdict = {
  kind: 'unreachable',
  code: 'crc-mismatch',
  message:
    'What was sent to or came from Google KMS was damaged on the way; nothing was changed. It will be tried again.',
}

export function faultOf(verdict: Verdict, refusal: GcpRefusal, kmsRequestId: string): KekFault {
  return new KekFault(verdict.kind, verdict.code ?? refusal.status, verdict.message, {
    kmsRequestId,
    retryAfterMs: refusal.retryAfterMs,
    isAmbiguous: verdict.isAmbiguous,
  })
}

/** A checksum of Google’s that does not fit, or none: the answer is not used. */
export function crcFault(kmsRequestId: string): KekFault {
  return new KekFault('unreachable', 'crc-mismatch', crcMismatch.message, { kmsRequestId })
}

export function malformedReply(kmsRequestId: string): KekFault {
  return new KekFault(
    'unreachable',
    'malformed-reply',
    'Google KMS gave an answer that cannot be read; nothing was changed.',
    { kmsRequestId },
  )
}

/** The client failed before there was a status: no connection, no usable setting. */
export function connectionFailed(kmsRequestId: string): KekFault {
  return new KekFault('unreachable', 'connection-failed', OUTAGE, { kmsRequestId })
}
