import type { KekFaultKind } from '#kms/kek-fault.ts'

/** What the Google client throws for a call that ended with a status: `code`, `details`, and what the trailer held. */
type GrpcError = Error & { code: number; details: string; statusDetails?: unknown[]; reason?: string }

/** A row of the fault taxonomy: an error as the Google client throws it, and what it must be called. */
export type GcpFaultFixture = Readonly<{
  name: string
  error: GrpcError
  operation: 'Encrypt' | 'Decrypt'
  expected: Readonly<{ kind: KekFaultKind; code: string; isAmbiguous?: boolean; retryAfterMs?: number }>
}>

/** Names what must not reach a reader of the fault. */
const TELLTALE = 'projects/acme-secret-4711/locations/europe-west3/keyRings/ring/cryptoKeys/kek'
const VERSION = `${TELLTALE}/cryptoKeyVersions/1`

const INVALID_ARGUMENT = 3
const DEADLINE_EXCEEDED = 4
const NOT_FOUND = 5
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8
const FAILED_PRECONDITION = 9
const ABORTED = 10
const UNIMPLEMENTED = 12
const INTERNAL = 13
const UNAVAILABLE = 14
const DATA_LOSS = 15
const UNAUTHENTICATED = 16

type More = Readonly<{
  violations?: readonly Readonly<{ type: string; description?: string }>[]
  reason?: string
  retryDelay?: Readonly<{ seconds: string; nanos: number }>
  operation?: 'Encrypt' | 'Decrypt'
}>

function row(
  name: string,
  code: number,
  details: string,
  expected: GcpFaultFixture['expected'],
  { operation = 'Decrypt', reason, retryDelay, violations }: More = {},
): GcpFaultFixture {
  const statusDetails = [
    ...(violations === undefined ? [] : [{ violations }]),
    ...(retryDelay === undefined ? [] : [{ retryDelay }]),
  ]
  const error: GrpcError = Object.assign(new Error(`${code} ${details}`), { code, details, statusDetails })
  if (reason !== undefined) error.reason = reason
  return { name, error, operation, expected }
}

function state(word: string, expected: GcpFaultFixture['expected']): GcpFaultFixture {
  const text = `${VERSION} is not enabled, current state is: ${word}.`
  return row(`a version in state ${word}`, FAILED_PRECONDITION, text, expected, {
    violations: [{ type: 'KEY_DISABLED', description: text }],
  })
}

function external(type: string, text: string, expected: GcpFaultFixture['expected']): GcpFaultFixture {
  return row(`an external key manager: ${type}, "${text}"`, FAILED_PRECONDITION, text, expected, {
    violations: [
      { type: 'KEY_STATE', description: `${VERSION} current state is: ENABLED` },
      { type, description: text },
    ],
  })
}

const revoked = (code: string) => ({ kind: 'revoked', code, isAmbiguous: true }) as const

/** A fixture for each row of docs/kms-gcp.md, "Faults", of what KMS itself answers. */
export const gcpFaultFixtures: readonly GcpFaultFixture[] = [
  state('DISABLED', revoked('KEY_DISABLED')),
  state('DESTROY_SCHEDULED', revoked('KEY_DESTROY_SCHEDULED')),
  state('DESTROYED', revoked('KEY_DESTROYED')),
  state('PENDING_IMPORT', revoked('KEY_PENDING_IMPORT')),
  state('PENDING_EXTERNAL_DESTRUCTION', revoked('KEY_PENDING_EXTERNAL_DESTRUCTION')),
  state('EXTERNAL_DESTRUCTION_FAILED', revoked('KEY_EXTERNAL_DESTRUCTION_FAILED')),
  state('PENDING_GENERATION', { kind: 'unreachable', code: 'KEY_PENDING_GENERATION' }),
  state('GENERATION_FAILED', { kind: 'misconfigured', code: 'KEY_GENERATION_FAILED' }),
  state('IMPORT_FAILED', { kind: 'misconfigured', code: 'KEY_IMPORT_FAILED' }),
  row(
    'a version whose state only the violation names',
    FAILED_PRECONDITION,
    'The key cannot be used.',
    revoked('KEY_DISABLED'),
    {
      violations: [{ type: 'KEY_DISABLED' }],
    },
  ),
  row(
    'a key without a primary version',
    FAILED_PRECONDITION,
    `CryptoKey ${TELLTALE} does not have a primary version.`,
    { kind: 'misconfigured', code: 'KEY_WITHOUT_PRIMARY' },
    { operation: 'Encrypt' },
  ),
  row('a failed precondition of no known kind', FAILED_PRECONDITION, 'Something is not as it should be.', {
    kind: 'unreachable',
    code: 'FAILED_PRECONDITION',
  }),
  row(
    'an API that is not enabled, as a precondition',
    FAILED_PRECONDITION,
    'Cloud Key Management Service (KMS) API has not been used in project 4711 before or it is disabled.',
    { kind: 'misconfigured', code: 'SERVICE_DISABLED' },
  ),
  row(
    'an API that is not enabled, as a denial',
    PERMISSION_DENIED,
    'Cloud Key Management Service (KMS) API has not been used in project 4711 before or it is disabled.',
    { kind: 'misconfigured', code: 'SERVICE_DISABLED' },
    { reason: 'SERVICE_DISABLED' },
  ),
  row('billing switched off', PERMISSION_DENIED, 'This API method requires billing to be enabled.', {
    kind: 'misconfigured',
    code: 'BILLING_DISABLED',
  }),
  row(
    'a service perimeter',
    PERMISSION_DENIED,
    'Request is prohibited by organization’s policy. vpcServiceControlsUniqueIdentifier: 4711',
    { kind: 'misconfigured', code: 'VPC_SERVICE_CONTROLS' },
    { violations: [{ type: 'VPC_SERVICE_CONTROLS' }] },
  ),
  row(
    'a missing permission, or a missing key',
    PERMISSION_DENIED,
    `Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '${TELLTALE}' (or it may not exist).`,
    revoked('PERMISSION_DENIED'),
    { reason: 'IAM_PERMISSION_DENIED' },
  ),
  row(
    'a missing permission to encrypt',
    PERMISSION_DENIED,
    `Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '${TELLTALE}' (or it may not exist).`,
    revoked('PERMISSION_DENIED'),
    { operation: 'Encrypt' },
  ),
  row('a key that is gone', NOT_FOUND, `CryptoKey ${TELLTALE} not found.`, revoked('NOT_FOUND')),
  row(
    'another context',
    INVALID_ARGUMENT,
    "Decryption failed: verify that 'name' refers to the correct CryptoKey.",
    {
      kind: 'tampered',
      code: 'INVALID_ARGUMENT',
    },
  ),
  row('a damaged ciphertext', INVALID_ARGUMENT, 'Decryption failed: the ciphertext is invalid.', {
    kind: 'tampered',
    code: 'INVALID_ARGUMENT',
  }),
  row(
    'a request damaged on its way',
    INVALID_ARGUMENT,
    'The checksum in field ciphertext_crc32c did not match the data in field ciphertext.',
    { kind: 'unreachable', code: 'crc-mismatch' },
  ),
  row(
    'a key of another purpose',
    INVALID_ARGUMENT,
    `The purpose ASYMMETRIC_SIGN of ${TELLTALE} does not fit.`,
    {
      kind: 'misconfigured',
      code: 'InvalidKeyPurpose',
    },
  ),
  row(
    'a key of another location',
    INVALID_ARGUMENT,
    'The request concerns location us but was sent to europe-west3.',
    {
      kind: 'misconfigured',
      code: 'WrongLocation',
    },
  ),
  row(
    'an invalid request to encrypt',
    INVALID_ARGUMENT,
    'A field is invalid.',
    { kind: 'ours', code: 'INVALID_ARGUMENT' },
    {
      operation: 'Encrypt',
    },
  ),
  row('a used-up quota', RESOURCE_EXHAUSTED, 'Quota exceeded for quota metric.', {
    kind: 'throttled',
    code: 'RESOURCE_EXHAUSTED',
  }),
  row(
    'a used-up quota with a time to wait',
    RESOURCE_EXHAUSTED,
    'Quota exceeded for quota metric.',
    { kind: 'throttled', code: 'RATE_LIMIT_EXCEEDED', retryAfterMs: 1500 },
    { reason: 'RATE_LIMIT_EXCEEDED', retryDelay: { seconds: '1', nanos: 500_000_000 } },
  ),
  row('an unavailable service', UNAVAILABLE, 'The service is currently unavailable.', {
    kind: 'unreachable',
    code: 'UNAVAILABLE',
  }),
  row(
    'no connection',
    UNAVAILABLE,
    'No connection established. Last error: connect ECONNREFUSED 10.0.0.1:443',
    {
      kind: 'unreachable',
      code: 'UNAVAILABLE',
    },
  ),
  row('an internal error', INTERNAL, 'Internal error encountered.', {
    kind: 'unreachable',
    code: 'INTERNAL',
  }),
  row('a call that was aborted', ABORTED, 'The operation was aborted.', {
    kind: 'unreachable',
    code: 'ABORTED',
  }),
  row('lost data', DATA_LOSS, 'Data loss.', { kind: 'unreachable', code: 'DATA_LOSS' }),
  row('no answer in time', DEADLINE_EXCEEDED, 'Deadline exceeded after 2.000s', {
    kind: 'unreachable',
    code: 'timeout',
  }),
  row('a call that we gave up', 1, 'Cancelled on client', { kind: 'unreachable', code: 'aborted' }),
  row('an unknown error', 2, 'Unknown Error.', { kind: 'unreachable', code: 'UNKNOWN' }),
  row(
    'a token of ours that is not accepted',
    UNAUTHENTICATED,
    'Request had invalid authentication credentials.',
    { kind: 'ours', code: 'ACCESS_TOKEN_EXPIRED' },
    { reason: 'ACCESS_TOKEN_EXPIRED' },
  ),
  row(
    'an account of ours that was disabled',
    PERMISSION_DENIED,
    'The account is disabled.',
    { kind: 'ours', code: 'ACCOUNT_STATE_INVALID' },
    { reason: 'ACCOUNT_STATE_INVALID' },
  ),
  row('a method that does not exist', UNIMPLEMENTED, 'Method not found.', {
    kind: 'ours',
    code: 'UNIMPLEMENTED',
  }),
  external(
    'EXTERNAL_PERMISSION_DENIED',
    'Permission was denied when accessing the key.',
    revoked('EXTERNAL_PERMISSION_DENIED'),
  ),
  external('EXTERNAL_NOT_FOUND', 'Could not find a key.', revoked('EXTERNAL_NOT_FOUND')),
  external('EXTERNAL_KEY_DISABLED', 'The external key is disabled.', revoked('EXTERNAL_KEY_DISABLED')),
  external('EXTERNAL_NOT_FOUND', 'Could not query EKM host.', {
    kind: 'unreachable',
    code: 'EXTERNAL_UNREACHABLE',
  }),
  external('EXTERNAL_UNAVAILABLE', 'The EKM did not answer in time.', {
    kind: 'unreachable',
    code: 'EXTERNAL_UNREACHABLE',
  }),
  external('EXTERNAL_SOMETHING_NEW', 'Nobody has heard of this.', {
    kind: 'unreachable',
    code: 'EXTERNAL_UNREACHABLE',
  }),
  external('EXTERNAL_RESOURCE_EXHAUSTED', 'Too many requests.', {
    kind: 'throttled',
    code: 'EXTERNAL_RESOURCE_EXHAUSTED',
  }),
  external('EXTERNAL_KEY_URI_INVALID', 'Key URI has invalid format.', {
    kind: 'misconfigured',
    code: 'EXTERNAL_MISCONFIGURED',
  }),
  row(
    'an external key that its manager’s denial has disabled',
    FAILED_PRECONDITION,
    `${VERSION} is not enabled, current state is: DISABLED.`,
    revoked('KEY_DISABLED'),
    { violations: [{ type: 'KEY_DISABLED' }, { type: 'EXTERNAL_UNAVAILABLE' }] },
  ),
]

/** What a token service answered, and what it must be called. */
export type TokenFaultFixture = Readonly<{
  name: string
  refusal: Readonly<{ httpStatus: number; error: string; description: string }>
  /** Of the exchange for an identity in the customer's pool; `own` of Hasp's own login. */
  expected: Readonly<{ exchange: KekFaultKind; own: KekFaultKind }>
}>

const token = (
  name: string,
  httpStatus: number,
  error: string,
  description: string,
  expected: TokenFaultFixture['expected'],
): TokenFaultFixture => ({ name, refusal: { httpStatus, error, description }, expected })

/** A fixture for each row of docs/kms-gcp.md, "Faults", of what the token services answer. */
export const gcpTokenFaultFixtures: readonly TokenFaultFixture[] = [
  token(
    'a pool or provider that was disabled or deleted',
    400,
    'invalid_target',
    'The target service indicated by the "audience" parameters is invalid. This might either be because the pool or provider is disabled or deleted or because it doesn\'t exist.',
    { exchange: 'revoked', own: 'ours' },
  ),
  token(
    'a subject that the provider’s condition refuses',
    400,
    'unauthorized_client',
    'The given credential is rejected by the attribute condition.',
    { exchange: 'revoked', own: 'ours' },
  ),
  token(
    'an audience that the provider does not allow',
    400,
    'invalid_grant',
    'The audience in ID Token [hasp-4711] does not match the expected audience.',
    { exchange: 'revoked', own: 'ours' },
  ),
  token(
    'a provider of another issuer',
    400,
    'invalid_grant',
    'The issuer in ID Token https://accounts.google.com does not match the expected ones: https://example.com',
    { exchange: 'misconfigured', own: 'ours' },
  ),
  token('a signature that does not hold', 400, 'invalid_grant', 'Invalid JWT Signature.', {
    exchange: 'ours',
    own: 'ours',
  }),
  token('a clock that is off', 400, 'invalid_grant', 'Invalid JWT: Token must be a short-lived token.', {
    exchange: 'ours',
    own: 'ours',
  }),
  token('an account that is gone', 400, 'invalid_grant', 'Invalid grant: account not found', {
    exchange: 'ours',
    own: 'ours',
  }),
  token(
    'an issuer that Google does not reach',
    400,
    'invalid_grant',
    "Error connecting to the given credential's issuer.",
    { exchange: 'unreachable', own: 'ours' },
  ),
  token('a token service asking for fewer requests', 429, '', '', {
    exchange: 'throttled',
    own: 'throttled',
  }),
  token('a token service that fails', 503, '', '', { exchange: 'unreachable', own: 'unreachable' }),
  token('an error of no known kind', 400, 'something_new', '', { exchange: 'unreachable', own: 'ours' }),
]
