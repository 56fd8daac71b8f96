import { KekFault, type KekFaultKind } from '#kms/kek-fault.ts'

/** How a token service refused: HTTP status and the fields of RFC 6749 §5.2. */
export type TokenRefusal = Readonly<{ httpStatus: number; error: string; description: string }>

type Row = Readonly<{ error: string; description: RegExp; kind: KekFaultKind; message: string }>

const CUSTOMER_PROVIDER =
  'Your workload identity pool or its provider refuses Hasp: check that both exist, are enabled and allow Hasp’s audience and subject.'
const OUR_TOKEN =
  'Google refused the token that Hasp identifies itself with: whoever runs Hasp must check it.'

/**
 * What the exchange of Hasp's own identity for one in the customer's pool may answer. Only what can be nothing but
 * the customer's own act is `revoked`. The first row that fits counts.
 */
const EXCHANGE: readonly Row[] = [
  // "The target service indicated by the "audience" parameters is invalid. This might either be because the pool
  // or provider is disabled or deleted or because it doesn't exist."
  { error: 'invalid_target', description: /./, kind: 'revoked', message: CUSTOMER_PROVIDER },
  // "The given credential is rejected by the attribute condition."
  { error: 'unauthorized_client', description: /./, kind: 'revoked', message: CUSTOMER_PROVIDER },
  { error: 'access_denied', description: /./, kind: 'revoked', message: CUSTOMER_PROVIDER },
  {
    error: 'invalid_grant',
    description: /connecting to the given credential's issuer/i,
    kind: 'unreachable',
    message: 'Google cannot reach the issuer of Hasp’s own tokens. It will be tried again.',
  },
  { error: 'invalid_grant', description: /audience/i, kind: 'revoked', message: CUSTOMER_PROVIDER },
  {
    error: 'invalid_grant',
    description: /issuer .*(?:does not match|not match)/i,
    kind: 'misconfigured',
    message:
      'The provider in your workload identity pool names another issuer than Hasp’s: set the one that Hasp asked for.',
  },
  { error: 'invalid_grant', description: /./, kind: 'ours', message: OUR_TOKEN },
  { error: 'invalid_request', description: /./, kind: 'ours', message: OUR_TOKEN },
  { error: 'invalid_client', description: /./, kind: 'ours', message: OUR_TOKEN },
  { error: 'invalid_scope', description: /./, kind: 'ours', message: OUR_TOKEN },
]

/** Judges a refused token exchange (sts.googleapis.com). */
export function exchangeFault(refusal: TokenRefusal): KekFault {
  const described = refusal.description === '' ? ' ' : refusal.description
  const row = EXCHANGE.find(
    ({ error, description }) => error === refusal.error && description.test(described),
  )
  if (row !== undefined) return new KekFault(row.kind, refusal.error, row.message)
  return byHttpStatus(
    refusal,
    'The exchange of Hasp’s identity was refused for a reason that Hasp does not know.',
  )
}

/** Judges a refused token of Hasp's own: whatever is wrong with it, no customer did it. */
export function ownTokenFault(refusal: TokenRefusal): KekFault {
  if (refusal.httpStatus < 400 || refusal.httpStatus >= 500 || refusal.httpStatus === 429) {
    return byHttpStatus(refusal, OUR_TOKEN)
  }
  return new KekFault(
    'ours',
    refusal.error === '' ? 'no-credentials' : refusal.error,
    'Hasp’s own Google credentials were refused: whoever runs Hasp must renew them, and check its clock.',
  )
}

function byHttpStatus({ httpStatus, error }: TokenRefusal, message: string): KekFault {
  const code = error === '' ? `token-http-${httpStatus}` : error
  if (httpStatus === 429) {
    return new KekFault(
      'throttled',
      code,
      'Google’s token service asks for fewer requests. It will be tried again.',
    )
  }
  if (httpStatus === 401 || httpStatus === 403) return new KekFault('misconfigured', code, message)
  return tokenUnreachable(code)
}

export function tokenUnreachable(code = 'token-unreachable'): KekFault {
  return new KekFault(
    'unreachable',
    code,
    'Google’s token service could not answer; nothing was changed. It will be tried again.',
  )
}

export function noOwnCredentials(): KekFault {
  return new KekFault(
    'ours',
    'no-credentials',
    'Hasp has no Google credentials of its own: whoever runs Hasp must supply them (HASP_GCP_CREDENTIALS_FILE).',
  )
}
