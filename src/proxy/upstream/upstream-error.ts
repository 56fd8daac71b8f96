export type UpstreamErrorCode =
  | 'connect-failed'
  | 'connect-timeout'
  | 'tls-failed'
  | 'headers-timeout'
  | 'body-timeout'
  | 'answer-timeout'
  | 'reset'
  | 'protocol-error'
  | 'aborted'
  | 'address-refused'
  | 'credential-unavailable'

const MESSAGES = {
  'connect-failed': 'The provider could not be reached.',
  'connect-timeout': 'The provider did not accept the connection in time.',
  'tls-failed': 'A secure connection to the provider could not be made.',
  'headers-timeout': 'The provider did not answer in time.',
  'body-timeout': 'The provider fell silent within its answer.',
  'answer-timeout': 'The provider did not finish its answer in time.',
  reset: 'The provider closed the connection before its answer was complete.',
  'protocol-error': 'The request or the answer is not valid HTTP/1.1.',
  aborted: 'The exchange was ended on our side.',
  'address-refused': 'The provider’s address is not one that this service may connect to.',
  'credential-unavailable': 'The credential could not be opened for this request.',
} as const satisfies Record<UpstreamErrorCode, string>

/**
 * An exchange with a provider that has failed. Its message is fixed for each code and it has no `cause`: the
 * errors underneath may carry the request's options, headers among them.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: UpstreamErrorCode
  /** The bare code of the error underneath, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly systemCode: string | null
  /** Whether the credential had been handed to the socket before it failed. */
  readonly isCredentialSent: boolean

  constructor(code: UpstreamErrorCode, systemCode: string | null = null, isCredentialSent = false) {
    super(MESSAGES[code])
    this.code = code
    this.systemCode = systemCode
    this.isCredentialSent = isCredentialSent
  }
}

/** How far an exchange had come when it failed. */
export type ExchangeStage = { readonly isStarted: boolean; readonly isCredentialSent: boolean }

/** What an error out of undici, node:net or node:tls means to the caller. */
export function toUpstreamError(error: unknown, stage: ExchangeStage): UpstreamError {
  if (error instanceof UpstreamError) {
    return new UpstreamError(error.code, error.systemCode, stage.isCredentialSent)
  }
  const systemCode = systemCodeOf(error)
  return new UpstreamError(classify(systemCode, error, stage.isStarted), systemCode, stage.isCredentialSent)
}

const CODES: ReadonlyMap<string, UpstreamErrorCode> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'connect-timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'headers-timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'body-timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', 'protocol-error'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'protocol-error'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'protocol-error'],
  ['UND_ERR_INVALID_ARG', 'protocol-error'],
  ['UND_ERR_ABORTED', 'aborted'],
  ['UND_ERR_CLOSED', 'aborted'],
  ['UND_ERR_DESTROYED', 'aborted'],
])

/** OpenSSL's verification results, and the prefixes of node:tls's own errors. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|EPROTO$)/

function classify(systemCode: string | null, error: unknown, isStarted: boolean): UpstreamErrorCode {
  if (systemCode === null) return 'protocol-error'
  const known = CODES.get(systemCode)
  if (known !== undefined) return known
  if (systemCode.startsWith('HPE_') || isBadReply(systemCode, error)) return 'protocol-error'
  if (TLS_CODE.test(systemCode)) return 'tls-failed'
  if (isStarted) return 'reset'
  return systemCode === 'ETIMEDOUT' ? 'connect-timeout' : 'connect-failed'
}

/** undici's words for a reply nobody asked for: 100 Continue, or a switch of protocols. */
function isBadReply(systemCode: string, error: unknown): boolean {
  return (
    systemCode === 'UND_ERR_SOCKET' &&
    error instanceof Error &&
    /^bad (response|upgrade)$/.test(error.message)
  )
}

function systemCodeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  const { code } = error
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,63}$/.test(code) ? code : null
}
