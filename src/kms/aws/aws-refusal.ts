export type AwsOperation = 'Encrypt' | 'Decrypt' | 'DescribeKey' | 'AssumeRole'

/**
 * An error that AWS itself answered with, before it is judged. It holds AWS's own text, which names ARNs and
 * accounts: it stays within this folder and is never a `cause`.
 */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal'
  /** AWS's name for the error, without its namespace. */
  readonly code: string
  readonly status: number
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(
    code: string,
    message: string,
    status: number,
    options: { requestId?: string | undefined; retryAfterMs?: number | undefined } = {},
  ) {
    super(message)
    this.code = code
    this.status = status
    this.requestId = options.requestId
    this.retryAfterMs = options.retryAfterMs
  }

  /** Whether the session itself was refused (expired, or its role is gone): a fresh one may tell more. */
  get isAboutSession(): boolean {
    return SESSION_CODES.has(this.code)
  }
}

const SESSION_CODES: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
])
