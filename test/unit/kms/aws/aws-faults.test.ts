import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { faultOf, judgeRefusal } from '#kms/aws/aws-faults.ts'
import { AwsRefusal } from '#kms/aws/aws-refusal.ts'
import { verdictOfInvalidState, verdictOfKeyState } from '#kms/aws/invalid-state.ts'
import type { KekFaultKind } from '#kms/kek-fault.ts'

/** AWS's texts name what must not reach a reader of the fault. */
const TELLTALE = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

const BY_CODE: readonly (readonly [code: string, status: number, kind: KekFaultKind])[] = [
  ['DisabledException', 400, 'revoked'],
  ['NotFoundException', 400, 'revoked'],
  ['AccessDeniedException', 400, 'revoked'],
  ['IncorrectKeyException', 400, 'tampered'],
  ['InvalidCiphertextException', 400, 'tampered'],
  ['ThrottlingException', 400, 'throttled'],
  ['LimitExceededException', 400, 'throttled'],
  ['RequestLimitExceeded', 503, 'throttled'],
  ['TooManyRequestsException', 429, 'throttled'],
  ['AnythingElse', 429, 'throttled'],
  ['KMSInternalException', 500, 'unreachable'],
  ['DependencyTimeoutException', 503, 'unreachable'],
  ['KeyUnavailableException', 500, 'unreachable'],
  ['InternalFailure', 500, 'unreachable'],
  ['AnythingElse', 502, 'unreachable'],
  ['toString', 418, 'unreachable'],
  ['InvalidKeyUsageException', 400, 'misconfigured'],
  ['InvalidArnException', 400, 'misconfigured'],
  ['RegionDisabledException', 403, 'misconfigured'],
  ['OptInRequired', 403, 'misconfigured'],
  ['UnrecognizedClientException', 400, 'ours'],
  ['InvalidClientTokenId', 403, 'ours'],
  ['ExpiredToken', 403, 'ours'],
  ['ExpiredTokenException', 400, 'ours'],
  ['SignatureDoesNotMatch', 403, 'ours'],
  ['InvalidSignatureException', 400, 'ours'],
  ['RequestExpired', 400, 'ours'],
  ['ValidationException', 400, 'ours'],
]

describe('the fault table of docs/kms-aws.md', () => {
  const docs = readFileSync(new URL('../../../../docs/kms-aws.md', import.meta.url), 'utf8')
  const named = BY_CODE.filter(([code]) => code.includes('Exception') || code.startsWith('Expired'))

  it.each(named)('has %s (HTTP %i) under %s', (code, _, kind) => {
    const row = docs.split('\n').find((line) => line.startsWith(`| \`${kind}\` |`))
    expect(row).toContain(`\`${code}\``)
  })
})

describe('an error that AWS answers an unwrap with', () => {
  it.each(BY_CODE)('%s (HTTP %i) is %s', (code, status, kind) => {
    const refusal = new AwsRefusal(code, TELLTALE, status, { requestId: 'req-1' })
    const verdict = judgeRefusal(refusal, 'Decrypt', false)
    if (verdict === undefined) throw new Error('There must be a verdict.')
    const fault = faultOf(verdict, refusal)
    expect(fault).toMatchObject({ kind, code, kmsRequestId: 'req-1' })
    expect(fault.message).not.toContain('1111')
    expect(fault.message.length).toBeGreaterThan(20)
    expect(fault.cause).toBeUndefined()
  })
})

const denied = (reason: string) =>
  new AwsRefusal('AccessDeniedException', `User: x is not authorized ${reason}`, 400)

describe('a denial', () => {
  it.each([
    ['because no identity-based policy allows the kms:Decrypt action'],
    ['with an explicit deny in an identity-based policy'],
    ['with an explicit deny in a service control policy'],
    ['because no session policy allows the kms:Decrypt action'],
    ['because no permissions boundary allows the kms:Decrypt action'],
    ['because no VPC endpoint policy allows the kms:Decrypt action'],
  ])('of Hasp’s own principal "%s" is ours, but of the customer’s role it is revoked', (reason) => {
    expect(judgeRefusal(denied(reason), 'Decrypt', true)?.kind).toBe('ours')
    expect(judgeRefusal(denied(reason), 'AssumeRole', true)?.kind).toBe('ours')
    expect(judgeRefusal(denied(reason), 'Decrypt', false)?.kind).toBe('revoked')
  })

  it.each([
    ['because no resource-based policy allows the kms:Decrypt action'],
    ['with an explicit deny in a resource-based policy'],
    ['because no role trust policy allows the sts:AssumeRole action'],
    [''],
  ])('"%s" is the customer’s revocation, whoever called', (reason) => {
    expect(judgeRefusal(denied(reason), 'Decrypt', true)?.kind).toBe('revoked')
    expect(judgeRefusal(denied(reason), 'AssumeRole', true)?.kind).toBe('revoked')
  })

  it('of DescribeKey alone revokes nothing', () => {
    expect(judgeRefusal(denied(''), 'DescribeKey', false)?.kind).toBe('misconfigured')
  })
})

/** Sentences of the KMS Developer Guide, "Troubleshooting external key stores", and of KMS's own state errors. */
const INVALID_STATES: readonly (readonly [message: string, kind: KekFaultKind])[] = [
  [`${TELLTALE} is pending deletion.`, 'revoked'],
  [`${TELLTALE} is pending import.`, 'revoked'],
  [`${TELLTALE} is pending replica deletion.`, 'revoked'],
  [
    'The external key store proxy did not respond to the request in the time allotted. Retry the request.',
    'unreachable',
  ],
  [
    'AWS KMS rejected the request because the external key store proxy did not respond in time.',
    'unreachable',
  ],
  [
    'AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue.',
    'unreachable',
  ],
  [
    'The external key store proxy rejected the request because it cannot communicate with the external key manager.',
    'unreachable',
  ],
  ['The external key store proxy is in an unhealthy state.', 'unreachable'],
  ['AWS KMS cannot interpret the response from the external key store proxy.', 'unreachable'],
  ['The external key store proxy rejected the request due to a very high request rate.', 'throttled'],
  [
    'The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.',
    'revoked',
  ],
  [
    'The external key store proxy rejected the request because the external key is not enabled in the external key manager.',
    'revoked',
  ],
  [
    'The external key store proxy rejected the request because it could not find the external key.',
    'revoked',
  ],
  [
    'The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is corrupted, missing, or otherwise invalid.',
    'tampered',
  ],
  [
    'The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid.',
    'tampered',
  ],
  [
    'The external key store proxy rejected the request because it could not authenticate AWS KMS.',
    'misconfigured',
  ],
  [
    'The external key store proxy rejected the request because the external key does not support the requested operation.',
    'misconfigured',
  ],
  ['The external key store proxy rejected the request because of an invalid URI path.', 'misconfigured'],
]

describe('KMSInvalidStateException', () => {
  it.each(INVALID_STATES)('"%s" is %s', (message, kind) => {
    expect(verdictOfInvalidState(message)?.kind).toBe(kind)
  })

  it('with any other text is not guessed at', () => {
    expect(verdictOfInvalidState('The key cannot be used.')).toBeUndefined()
    expect(
      judgeRefusal(new AwsRefusal('KMSInvalidStateException', '', 400), 'Decrypt', false),
    ).toBeUndefined()
  })

  it.each([
    ['Disabled', 'revoked'],
    ['PendingDeletion', 'revoked'],
    ['PendingReplicaDeletion', 'revoked'],
    ['PendingImport', 'revoked'],
    ['Unavailable', 'revoked'],
    ['Enabled', 'unreachable'],
    ['Updating', 'unreachable'],
    [undefined, 'unreachable'],
  ])('with a key in state %s is %s', (state, kind) => {
    expect(verdictOfKeyState(state).kind).toBe(kind)
  })
})
