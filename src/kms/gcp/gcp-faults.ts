import { KekFault } from '#kms/kek-fault.ts'
import { transportFaultsOf } from '#kms/transport-fault.ts'
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
import type { GcpOperation, GcpRefusal } from './gcp-refusal.ts'
import { API_DISABLED, verdictOfPrecondition } from './precondition.ts'

const OUTAGE = unreachable('Google KMS could not answer; nothing was changed. It will be tried again.')
const OUR_REQUEST = ours(
  'Google found the request itself invalid: this is a fault of Hasp, please report it.',
)
const OUR_CREDENTIALS = ours('Hasp’s own Google credentials were refused: whoever runs Hasp must renew them.')
const PERIMETER = misconfigured(
  'A perimeter of VPC Service Controls or an organisation policy keeps Hasp out: let it in, or use another project.',
)
const NO_BILLING = misconfigured('The project has no active billing account: link one.')

/** Reasons of google.rpc.ErrorInfo that say more than the status (google.api.ErrorReason). */
const REASONS = verdictsByCode<string>([
  [API_DISABLED, ['SERVICE_DISABLED', 'SERVICE_NOT_VISIBLE']],
  [NO_BILLING, ['BILLING_DISABLED']],
  [misconfigured('The project cannot be used: check that it is active.'), ['CONSUMER_INVALID']],
  [misconfigured('Google has suspended the project: see to it there.'), ['CONSUMER_SUSPENDED']],
  [
    PERIMETER,
    [
      'RESOURCE_USAGE_RESTRICTION_VIOLATED',
      'SECURITY_POLICY_VIOLATED',
      'ORG_RESTRICTION_VIOLATION',
      'LOCATION_POLICY_VIOLATED',
      'LOCATION_ORG_POLICY_VIOLATED',
    ],
  ],
  [throttled('The KMS quota of the project is used up.'), ['RATE_LIMIT_EXCEEDED', 'RESOURCE_QUOTA_EXCEEDED']],
  [
    OUR_CREDENTIALS,
    [
      'ACCESS_TOKEN_EXPIRED',
      'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
      'ACCESS_TOKEN_TYPE_UNSUPPORTED',
      'ACCOUNT_STATE_INVALID',
      'CREDENTIALS_MISSING',
    ],
  ],
])

const WORDS = { Encrypt: 'useToEncrypt', Decrypt: 'useToDecrypt' } as const

/** Judges how Google ended a call; docs/kms-gcp.md shows the same table. */
export function judgeRefusal(refusal: GcpRefusal, operation: GcpOperation): Verdict {
  const { reason = '', status } = refusal
  const byReason = REASONS.get(reason)
  if (byReason !== undefined) return { code: reason, ...byReason }
  switch (status) {
    case 'INVALID_ARGUMENT':
      return judgeInvalidArgument(refusal, operation)
    case 'PERMISSION_DENIED':
      return judgeDenial(refusal, operation)
    case 'FAILED_PRECONDITION':
      return verdictOfPrecondition(refusal)
    case 'NOT_FOUND':
      return revoked('The key or its version does not exist (any more): restore the key that wrapped this.', {
        isAmbiguous: true,
      })
    case 'RESOURCE_EXHAUSTED':
      return throttled(
        'Google asks for fewer requests: raise the KMS quota of the project, or use the shared or cached mode.',
      )
    case 'UNAUTHENTICATED':
      return OUR_CREDENTIALS
    case 'CANCELLED':
      return unreachable('The call was given up before Google KMS answered.', { code: 'aborted' })
    case 'DEADLINE_EXCEEDED':
      return unreachable('Google KMS did not answer in time; nothing was changed.', { code: 'timeout' })
    case 'UNIMPLEMENTED':
    case 'OUT_OF_RANGE':
    case 'ALREADY_EXISTS':
      return OUR_REQUEST
    // Neither a revocation nor an alarm is made of what does not speak of the key.
    case 'OK':
    case 'UNKNOWN':
    case 'ABORTED':
    case 'INTERNAL':
    case 'UNAVAILABLE':
    case 'DATA_LOSS':
      return OUTAGE
  }
}

function judgeInvalidArgument({ message }: GcpRefusal, operation: GcpOperation): Verdict {
  // Ours arrived damaged: the bytes at rest are not to blame.
  if (/checksum|crc32c/i.test(message)) return CRC_MISMATCH
  if (/purpose|algorithm|protection level/i.test(message)) {
    return misconfigured('The key must have purpose ENCRYPT_DECRYPT.', { code: 'InvalidKeyPurpose' })
  }
  if (/location|region/i.test(message) && !/decryption failed/i.test(message)) {
    return misconfigured('The key is not in the location that its name says: check the name.', {
      code: 'WrongLocation',
    })
  }
  if (operation === 'Decrypt') return tampered('The wrapped DEK or its context is not what was wrapped.')
  return OUR_REQUEST
}

function judgeDenial({ message, violations }: GcpRefusal, operation: GcpOperation): Verdict {
  if (/has not been used in project|api .*is disabled/i.test(message)) return API_DISABLED
  if (/billing/i.test(message)) return { ...NO_BILLING, code: 'BILLING_DISABLED' }
  const isPerimeter =
    violations.some(({ type }) => type === 'VPC_SERVICE_CONTROLS') ||
    /vpcServiceControls|organization[’']s policy/i.test(message)
  if (isPerimeter) return { ...PERIMETER, code: 'VPC_SERVICE_CONTROLS' }
  // Google hides whether a key exists from those who may not use it: a missing key is denied as well.
  return revoked(
    `cloudkms.cryptoKeyVersions.${WORDS[operation]} is denied, or the key does not exist: grant Cloud KMS CryptoKey Encrypter/Decrypter on the key.`,
    { isAmbiguous: true },
  )
}

const CRC_MISMATCH = unreachable(
  'What was sent to or came from Google KMS was damaged on the way; nothing was changed. It will be tried again.',
  { code: 'crc-mismatch' },
)

export function faultOf(verdict: Verdict, refusal: GcpRefusal, kmsRequestId: string): KekFault {
  return new KekFault(verdict.kind, verdict.code ?? refusal.status, verdict.message, {
    kmsRequestId,
    retryAfterMs: refusal.retryAfterMs,
    isAmbiguous: verdict.isAmbiguous,
  })
}

/** A checksum of Google’s that does not fit, or none: the answer is not used. */
export function crcFault(kmsRequestId: string): KekFault {
  return new KekFault('unreachable', 'crc-mismatch', CRC_MISMATCH.message, { kmsRequestId })
}

const transportFault = transportFaultsOf({ service: 'Google KMS', host: 'Google KMS' })

export function malformedReply(kmsRequestId: string): KekFault {
  return transportFault('malformed-reply', kmsRequestId)
}

/** The client failed before there was a status: no connection, no usable setting. */
export function connectionFailed(kmsRequestId: string): KekFault {
  return transportFault('connection-failed', kmsRequestId)
}
