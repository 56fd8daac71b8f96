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
import type { AwsOperation, AwsRefusal } from './aws-refusal.ts'
import { verdictOfInvalidState } from './invalid-state.ts'

const SLOW_DOWN = throttled(
  'AWS asks for fewer requests: raise the KMS quota of the account, or use the shared or cached mode.',
)
const OUTAGE = unreachable('AWS KMS could not answer; nothing was changed. It will be tried again.')

/** AWS's error names, KMS and STS, in the fault taxonomy; docs/kms-aws.md shows the same table. */
const VERDICTS = verdictsByCode<string>([
  [revoked('The KMS key is disabled: enable it.'), ['DisabledException']],
  // A key just made or replicated is not known everywhere at once.
  [
    revoked('The KMS key does not exist any more: restore access to the key that wrapped this.', {
      isAmbiguous: true,
    }),
    ['NotFoundException'],
  ],
  // The blob names another key than the row does, though the row named the pinned one: the record was altered.
  [tampered('This DEK was wrapped by another KMS key than its record says.'), ['IncorrectKeyException']],
  [tampered('The wrapped DEK or its context is not what was wrapped.'), ['InvalidCiphertextException']],
  [
    SLOW_DOWN,
    [
      'ThrottlingException',
      'Throttling',
      'ThrottledException',
      'TooManyRequestsException',
      'RequestLimitExceeded',
      'LimitExceededException',
    ],
  ],
  [
    OUTAGE,
    [
      'KMSInternalException',
      'DependencyTimeoutException',
      'KeyUnavailableException',
      'InternalFailure',
      'InternalServerError',
      'ServiceUnavailable',
      'ServiceUnavailableException',
      'RequestTimeout',
    ],
  ],
  [
    misconfigured('The KMS key must be symmetric, for encryption and decryption.'),
    ['InvalidKeyUsageException'],
  ],
  [misconfigured('AWS does not accept the key ARN: check its region and account.'), ['InvalidArnException']],
  [
    misconfigured('The KMS key does not support this: use a symmetric key.'),
    ['UnsupportedOperationException'],
  ],
  [misconfigured('The AWS account may not use KMS: check that it is active.'), ['OptInRequired']],
  [
    misconfigured('AWS STS is not active in the key’s region: activate it for the account.'),
    ['RegionDisabledException'],
  ],
  [
    ours('Hasp’s own AWS credentials were refused: whoever runs Hasp must renew them.'),
    [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'ExpiredToken',
      'ExpiredTokenException',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
      'NotAuthorized',
    ],
  ],
  [
    ours('AWS refused Hasp’s signature: whoever runs Hasp must check its credentials and its clock.'),
    [
      'SignatureDoesNotMatch',
      'InvalidSignatureException',
      'IncompleteSignature',
      'IncompleteSignatureException',
      'RequestExpired',
      'RequestTimeTooSkewed',
    ],
  ],
  [
    ours('AWS found the request itself invalid: this is a fault of Hasp, please report it.'),
    ['ValidationException', 'ValidationError', 'SerializationException', 'InvalidGrantTokenException'],
  ],
])

/**
 * Judges an answer of AWS. Undefined for a `KMSInvalidStateException` whose text is unknown: the caller reads the
 * key's state then.
 *
 * @param isOwnPrincipal whether the call was made as Hasp's own principal (direct grant, or AssumeRole): then a
 *   refusal by an identity-based policy is ours, and not the customer's revocation.
 */
export function judgeRefusal(
  refusal: AwsRefusal,
  operation: AwsOperation,
  isOwnPrincipal: boolean,
): Verdict | undefined {
  if (refusal.code === 'AccessDeniedException' || refusal.code === 'AccessDenied') {
    return judgeDenial(refusal.message, operation, isOwnPrincipal)
  }
  if (refusal.code === 'KMSInvalidStateException') return verdictOfInvalidState(refusal.message)
  const verdict = VERDICTS.get(refusal.code)
  if (verdict !== undefined) return verdict
  if (refusal.status === 429) return SLOW_DOWN
  if (refusal.status >= 500) return OUTAGE
  // Neither a revocation nor an alarm is made of what we cannot read.
  return unreachable('AWS answered with an error that Hasp does not know; nothing was changed.')
}

/** Policies that belong to the account of whoever calls, as AWS names them in "because no … allows" and "explicit deny in a …". */
const CALLERS_POLICY =
  /(?:because no|explicit deny in an?) (?:identity-based|service control|session|VPC endpoint) polic|permissions boundary/i

/** A policy may deny one record, or a change of it may be on its way still: the KEK needs a second reading. */
const denied = (message: string): Verdict => revoked(message, { isAmbiguous: true })

const DENIALS: Readonly<Record<AwsOperation, Verdict>> = {
  AssumeRole: denied(
    'The role cannot be assumed: check that it exists, its trust policy and its ExternalId.',
  ),
  Encrypt: denied('kms:Encrypt is denied: grant it on the key under the encryption-context condition.'),
  Decrypt: denied('kms:Decrypt is denied: grant it on the key under the encryption-context condition.'),
  // Says nothing of wrap and unwrap, which are granted apart from it.
  DescribeKey: misconfigured('kms:DescribeKey is denied: grant it, without an encryption-context condition.'),
}

function judgeDenial(message: string, operation: AwsOperation, isOwnPrincipal: boolean): Verdict {
  if (isOwnPrincipal && CALLERS_POLICY.test(message)) {
    return ours('Hasp’s own AWS principal lacks the permission: whoever runs Hasp must grant it.')
  }
  return DENIALS[operation]
}

export function faultOf(verdict: Verdict, refusal: AwsRefusal): KekFault {
  return new KekFault(verdict.kind, refusal.code, verdict.message, {
    kmsRequestId: refusal.requestId,
    retryAfterMs: refusal.retryAfterMs,
    isAmbiguous: verdict.isAmbiguous,
  })
}

/** What went wrong on the way to AWS. */
export const transportFault = transportFaultsOf({ service: 'AWS KMS', host: 'AWS KMS' })

export function credentialsFault(): KekFault {
  return new KekFault(
    'ours',
    'no-credentials',
    'Hasp has no AWS credentials of its own: whoever runs Hasp must supply them.',
  )
}
