export type VaultOperation = 'wrapKey' | 'unwrapKey' | 'getKey'

/**
 * An error that Key Vault or a Managed HSM answered with, before it is judged. It holds Azure's own text, which
 * names tenants, callers and keys: it stays within this folder and is never a `cause`.
 */
export class VaultRefusal extends Error {
  override readonly name = 'VaultRefusal'
  readonly status: number
  /** `error.code`; empty where the answer was none of Azure's. */
  readonly code: string
  /** `error.innererror.code`, which says more. */
  readonly innerCode: string
  readonly retryAfterMs: number | undefined
  /** The tenant that the vault says it trusts, where it refuses our token. */
  readonly trustedTenantId: string | undefined
  /** Azure's own id of the request. */
  readonly serviceRequestId: string | undefined

  constructor(
    status: number,
    error: Readonly<{ code: string; innerCode: string; message: string }>,
    more: Readonly<{
      retryAfterMs?: number | undefined
      trustedTenantId?: string | undefined
      serviceRequestId?: string | undefined
    }> = {},
  ) {
    super(error.message)
    this.status = status
    this.code = error.code
    this.innerCode = error.innerCode
    this.retryAfterMs = more.retryAfterMs
    this.trustedTenantId = more.trustedTenantId
    this.serviceRequestId = more.serviceRequestId
  }

  /** The name by which logs and evidence know it. */
  get shownCode(): string {
    return this.innerCode || this.code || `HTTP ${this.status}`
  }
}

/** An error of the token endpoint, before it is judged. Holds nothing of Entra's text but its numbers. */
export class EntraRefusal extends Error {
  override readonly name = 'EntraRefusal'
  readonly status: number
  /** The numbers of the AADSTS errors, the first of them the most telling. */
  readonly codes: readonly number[]
  /** Under which the customer's sign-in log has it. */
  readonly correlationId: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(
    status: number,
    codes: readonly number[],
    more: Readonly<{ correlationId?: string | undefined; retryAfterMs?: number | undefined }> = {},
  ) {
    super('Entra refused a token.')
    this.status = status
    this.codes = codes
    this.correlationId = more.correlationId
    this.retryAfterMs = more.retryAfterMs
  }

  get shownCode(): string {
    const [code] = this.codes
    return code === undefined ? `HTTP ${this.status}` : `AADSTS${code}`
  }
}
