import { faultOf, judgeRefusal, transportFault } from '#kms/aws/aws-faults.ts'
import { type AwsOperation, AwsRefusal } from '#kms/aws/aws-refusal.ts'
import { verdictOfKeyState } from '#kms/aws/invalid-state.ts'
import type { KekFault, KekFaultKind } from '#kms/kek-fault.ts'

/** A row of the fault taxonomy: an answer of AWS, or none, and what it must be called. */
export type AwsFaultFixture = Readonly<{
  name: string
  expected: KekFaultKind
  /** What the provider makes of it. */
  faultOf: () => KekFault
}>

const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

type Where = Readonly<{
  operation?: AwsOperation
  isOwnPrincipal?: boolean
  /** What DescribeKey answers where the text says nothing; undefined where it does not answer either. */
  keyState?: string
}>

function answered(
  expected: KekFaultKind,
  name: string,
  code: string,
  status: number,
  message: string,
  { operation = 'Decrypt', isOwnPrincipal = false, keyState }: Where = {},
): AwsFaultFixture {
  return {
    name: `${operation}: ${name}`,
    expected,
    faultOf: () => {
      const refusal = new AwsRefusal(code, message, status, { requestId: 'request-1' })
      const verdict = judgeRefusal(refusal, operation, isOwnPrincipal) ?? verdictOfKeyState(keyState)
      return faultOf(verdict, refusal)
    },
  }
}

const disabled = (name: string, code: string, message: string) =>
  answered('revoked', name, code, 400, message)
const state = (expected: KekFaultKind, name: string, message: string, where?: Where) =>
  answered(expected, name, 'KMSInvalidStateException', 400, message, where)
/** Keys in an external key store: every fault of the proxy has one name, and only the text tells them apart. */
const store = (expected: KekFaultKind, name: string, message: string) =>
  state(expected, `external key store, ${name}`, message, { keyState: 'Enabled' })
const denied = (expected: KekFaultKind, name: string, reason: string, where?: Where) =>
  answered(
    expected,
    name,
    where?.operation === 'AssumeRole' ? 'AccessDenied' : 'AccessDeniedException',
    where?.operation === 'AssumeRole' ? 403 : 400,
    `User: x is not authorized to perform: it on resource: ${KEY} ${reason}`,
    where,
  )

const silent = (code: Parameters<typeof transportFault>[0]): AwsFaultFixture => ({
  name: `no answer: ${code}`,
  expected: 'unreachable',
  faultOf: () => transportFault(code),
})

/** KMS Developer Guide: "Key states", "Troubleshooting external key stores"; KMS and STS API References, errors. */
export const awsFaultFixtures: readonly AwsFaultFixture[] = [
  disabled('a disabled key', 'DisabledException', `${KEY} is disabled.`),
  disabled('a key pending deletion, as disabled', 'DisabledException', `${KEY} is pending deletion.`),
  state('revoked', 'a key pending deletion, as invalid', `${KEY} is pending deletion.`),
  state('revoked', 'key material that was deleted', `${KEY} is pending import.`),
  state('revoked', 'a replica pending deletion', `${KEY} is pending replica deletion.`),
  state('revoked', 'an unknown text, and DescribeKey says Disabled', 'It can not be used.', {
    keyState: 'Disabled',
  }),
  state('revoked', 'a disconnected key store', 'It can not be used.', { keyState: 'Unavailable' }),
  answered('revoked', 'a key that is gone', 'NotFoundException', 400, `Key '${KEY}' does not exist`),
  denied(
    'revoked',
    'a key policy without us',
    'because no resource-based policy allows the kms:Decrypt action',
  ),
  denied('revoked', 'an explicit deny', 'with an explicit deny in a resource-based policy'),
  denied(
    'revoked',
    'the role’s own policy',
    'because no identity-based policy allows the kms:Decrypt action',
  ),
  denied(
    'revoked',
    'the customer’s service control policy',
    'with an explicit deny in a service control policy',
  ),
  denied('revoked', 'Encrypt taken away', 'because no identity-based policy allows it', {
    operation: 'Encrypt',
  }),
  denied('revoked', 'trust withdrawn', '', { operation: 'AssumeRole', isOwnPrincipal: true }),
  store(
    'revoked',
    'denied',
    'The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.',
  ),
  store(
    'revoked',
    'external key disabled',
    'The external key store proxy rejected the request because the external key is not enabled in the external key manager.',
  ),
  store(
    'revoked',
    'external key gone',
    'The external key store proxy rejected the request because it could not find the external key.',
  ),

  store(
    'unreachable',
    'proxy timed out',
    'The external key store proxy did not respond to the request in the time allotted. Retry the request.',
  ),
  store(
    'unreachable',
    'proxy timed out, KMS’s words',
    'AWS KMS rejected the request because the external key store proxy did not respond in time.',
  ),
  store(
    'unreachable',
    'proxy not reached',
    'AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue.',
  ),
  store(
    'unreachable',
    'key manager not reached',
    'The external key store proxy rejected the request because it cannot communicate with the external key manager.',
  ),
  store('unreachable', 'proxy unhealthy', 'The external key store proxy is in an unhealthy state.'),
  store(
    'unreachable',
    'proxy answers nonsense',
    'AWS KMS cannot interpret the response from the external key store proxy.',
  ),
  store('unreachable', 'an unknown text of an enabled key', 'Something that nobody documented.'),
  state('unreachable', 'an unknown text, and DescribeKey does not answer', 'It can not be used.'),
  state('unreachable', 'a key that is being updated', `${KEY} is updating.`),
  answered('unreachable', 'KMS failed', 'KMSInternalException', 500, ''),
  answered('unreachable', 'KMS timed out within', 'DependencyTimeoutException', 503, ''),
  answered('unreachable', 'no key server', 'KeyUnavailableException', 500, ''),
  answered('unreachable', 'an unknown error', 'BrandNewException', 400, ''),
  answered('unreachable', 'a gateway’s error', 'UnknownError', 502, ''),
  answered('unreachable', 'STS failed', 'InternalFailure', 500, '', { operation: 'AssumeRole' }),
  ...(['timeout', 'aborted', 'connection-failed', 'malformed-reply', 'reply-too-large'] as const).map(silent),

  answered('throttled', 'a quota used up (HTTP 400)', 'ThrottlingException', 400, 'Rate exceeded'),
  answered('throttled', 'HTTP 429 of any name', 'AnyName', 429, ''),
  answered('throttled', 'STS’s quota', 'Throttling', 400, '', { operation: 'AssumeRole' }),
  store(
    'throttled',
    'proxy asks to slow down',
    'The external key store proxy rejected the request due to a very high request rate.',
  ),

  answered('misconfigured', 'an asymmetric key', 'InvalidKeyUsageException', 400, ''),
  answered('misconfigured', 'STS not active in the region', 'RegionDisabledException', 403, '', {
    operation: 'AssumeRole',
  }),
  denied('misconfigured', 'DescribeKey alone denied', '', { operation: 'DescribeKey' }),
  store(
    'misconfigured',
    'proxy does not know KMS',
    'The external key store proxy rejected the request because it could not authenticate AWS KMS.',
  ),

  answered('tampered', 'another context or blob', 'InvalidCiphertextException', 400, ''),
  answered('tampered', 'a blob of another key', 'IncorrectKeyException', 400, ''),
  store(
    'tampered',
    'corrupted',
    'The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is corrupted, missing, or otherwise invalid.',
  ),

  answered('ours', 'our access key is gone', 'UnrecognizedClientException', 400, ''),
  answered('ours', 'our session has ended', 'ExpiredTokenException', 400, ''),
  answered('ours', 'our clock is wrong', 'InvalidSignatureException', 400, 'Signature expired'),
  answered('ours', 'our token is refused', 'InvalidClientTokenId', 403, '', { operation: 'AssumeRole' }),
  denied('ours', 'our own policy', 'because no identity-based policy allows the sts:AssumeRole action', {
    operation: 'AssumeRole',
    isOwnPrincipal: true,
  }),
]
