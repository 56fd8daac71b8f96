import { KekFault } from '#kms/kek-fault.ts'
import type { AwsOperation, AwsRefusal, Verdict } from './aws-refusal.ts'
import { verdictOfInvalidState } from './invalid-state.ts'

const DELETED = 'The KMS key does not exist any more: restore access to the key that wrapped this.'
const SLOW_DOWN =
  'AWS asks for fewer requests: raise the KMS quota of the account, or use the shared or cached mode.'
const OUTAGE = 'AWS KMS could not answer; nothing was changed. It will be tried again.'
const OUR_CREDENTIALS = 'Hasp’s own AWS credentials were refused: whoever runs Hasp must renew them.'
const OUR_CLOCK = 'AWS refused Hasp’s signature: whoever runs Hasp must check its credentials and its clock.'
const OUR_REQUEST = 'AWS found the request itself invalid: this is a fault of Hasp, please report it.'

/** AWS's error names, KMS and STS, in the fault taxonomy. One row each; docs/kms-aws.md shows the same table. */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  DisabledException: { kind: 'revoked', message: 'The KMS key is disabled: enable it.' },
  // A key just made or replicated is not known everywhere at once.
  NotFoundException: { kind: 'revoked', message: DELETED, isAmbiguous: true },
  // The blob names another key than the row does, though the row named the pinned one: the record was altered.
  IncorrectKeyException: {
    kind: 'tampered',
    message: 'This DEK was wrapped by another KMS key than its record says.',
  },
  InvalidCiphertextException: {
    kind: 'tampered',
    message: 'The wrapped DEK or its context is not what was wrapped.',
  },

  ThrottlingException: { kind: 'throttled', message: SLOW_DOWN },
  Throttling: { kind: 'throttled', message: SLOW_DOWN },
  ThrottledException: { kind: 'throttled', message: SLOW_DOWN },
  TooManyRequestsException: { kind: 'throttled', message: SLOW_DOWN },
  RequestLimitExceeded: { kind: 'throttled', message: SLOW_DOWN },
  LimitExceededException: { kind: 'throttled', message: SLOW_DOWN },

  KMSInternalException: { kind: 'unreachable', message: OUTAGE },
  DependencyTimeoutException: { kind: 'unreachable', message: OUTAGE },
  KeyUnavailableException: { kind: 'unreachable', message: OUTAGE },
  InternalFailure: { kind: 'unreachable', message: OUTAGE },
  InternalServerError: { kind: 'unreachable', message: OUTAGE },
  ServiceUnavailable: { kind: 'unreachable', message: OUTAGE },
  ServiceUnavailableException: { kind: 'unreachable', message: OUTAGE },
  RequestTimeout: { kind: 'unreachable', message: OUTAGE },

  InvalidKeyUsageException: {
    kind: 'misconfigured',
    message: 'The KMS key must be symmetric, for encryption and decryption.',
  },
  InvalidArnException: {
    kind: 'misconfigured',
    message: 'AWS does not accept the key ARN: check its region and account.',
  },
  UnsupportedOperationException: {
    kind: 'misconfigured',
    message: 'The KMS key does not support this: use a symmetric key.',
  },
  OptInRequired: {
    kind: 'misconfigured',
    message: 'The AWS account may not use KMS: check that it is active.',
  },
  RegionDisabledException: {
    kind: 'misconfigured',
    message: 'AWS STS is not active in the key’s region: activate it for the account.',
  },

  UnrecognizedClientException: { kind: 'ours', message: OUR_CREDENTIALS },
  InvalidClientTokenId: { kind: 'ours', message: OUR_CREDENTIALS },
  ExpiredToken: { kind: 'ours', message: OUR_CREDENTIALS },
  ExpiredTokenException: { kind: 'ours', message: OUR_CREDENTIALS },
  MissingAuthenticationToken: { kind: 'ours', message: OUR_CREDENTIALS },
  MissingAuthenticationTokenException: { kind: 'ours', message: OUR_CREDENTIALS },
  NotAuthorized: { kind: 'ours', message: OUR_CREDENTIALS },
  SignatureDoesNotMatch: { kind: 'ours', message: OUR_CLOCK },
  InvalidSignatureException: { kind: 'ours', message: OUR_CLOCK },
  IncompleteSignature: { kind: 'ours', message: OUR_CLOCK },
  IncompleteSignatureException: { kind: 'ours', message: OUR_CLOCK },
  RequestExpired: { kind: 'ours', message: OUR_CLOCK },
  RequestTimeTooSkewed: { kind: 'ours', message: OUR_CLOCK },
  ValidationException: { kind: 'ours', message: OUR_REQUEST },
  ValidationError: { kind: 'ours', message: OUR_REQUEST },
  SerializationException: { kind: 'ours', message: OUR_REQUEST },
  InvalidGrantTokenException: { kind: 'ours', message: OUR_REQUEST },
}

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
  const verdict = Object.hasOwn(VERDICTS, refusal.code) ? VERDICTS[refusal.code] : undefined
  if (verdict !== undefined) return verdict
  if (refusal.status === 429) return { kind: 'throttled', message: SLOW_DOWN }
  if (refusal.status >= 500) return { kind: 'unreachable', message: OUTAGE }
  // Neither a revocation nor an alarm is made of what we cannot read.
  return {
    kind: 'unreachable',
    message: 'AWS answered with an error that Hasp does not know; nothing was changed.',
  }
}

/** Policies that belong to the account of whoever calls, as AWS names them in "because no … allows" and "explicit deny in a …". */
const CALLERS_POLICY =
  /(?:because no|explicit deny in an?) (?:identity-based|service control|session|VPC endpoint) polic|permissions boundary/i

/** A policy may deny one record, or a change of it may be on its way still: the KEK needs a second reading. */
const DENIALS: Readonly<Record<AwsOperation, Verdict>> = {
  AssumeRole: {
    kind: 'revoked',
    isAmbiguous: true,
    message: 'The role cannot be assumed: check that it exists, its trust policy and its ExternalId.',
  },
  Encrypt: {
    kind: 'revoked',
    isAmbiguous: true,
    message: 'kms:Encrypt is denied: grant it on the key under the encryption-context condition.',
  },
  Decrypt: {
    kind: 'revoked',
    isAmbiguous: true,
    message: 'kms:Decrypt is denied: grant it on the key under the encryption-context condition.',
  },
  // Says nothing of wrap and unwrap, which are granted apart from it.
  DescribeKey: {
    kind: 'misconfigured',
    message: 'kms:DescribeKey is denied: grant it, without an encryption-context condition.',
  },
}

function judgeDenial(message: string, operation: AwsOperation, isOwnPrincipal: boolean): Verdict {
  if (isOwnPrincipal && CALLERS_POLICY.test(message)) {
    return {
      kind: 'ours',
      message: 'Hasp’s own AWS principal lacks the permission: whoever runs Hasp must grant it.',
    }
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

/** What can go wrong without AWS having answered, or with an answer that nothing can be read from. */
export type TransportFaultCode =
  | 'timeout'
  | 'aborted'
  | 'connection-failed'
  | 'malformed-reply'
  | 'reply-too-large'

const TRANSPORT_MESSAGES: Readonly<Record<TransportFaultCode, string>> = {
  timeout: 'AWS KMS did not answer in time; nothing was changed. It will be tried again.',
  aborted: 'The call was given up before AWS KMS answered.',
  'connection-failed': 'AWS KMS could not be reached; nothing was changed. It will be tried again.',
  'malformed-reply': 'AWS KMS gave an answer that cannot be read; nothing was changed.',
  'reply-too-large': 'AWS KMS gave an answer larger than any it should give; nothing was changed.',
}

export function transportFault(code: TransportFaultCode, kmsRequestId?: string): KekFault {
  return new KekFault('unreachable', code, TRANSPORT_MESSAGES[code], { kmsRequestId })
}

export function credentialsFault(): KekFault {
  return new KekFault(
    'ours',
    'no-credentials',
    'Hasp has no AWS credentials of its own: whoever runs Hasp must supply them.',
  )
}
