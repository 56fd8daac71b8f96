/** A refusal as Key Vault words it. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly httpStatus: number
  readonly code: string
  readonly innerCode: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    httpStatus: number,
    code: string,
    message: string,
    more: Readonly<{ innerCode?: string | undefined; headers?: Readonly<Record<string, string>> }> = {},
  ) {
    super(message)
    this.httpStatus = httpStatus
    this.code = code
    this.innerCode = more.innerCode
    this.headers = more.headers ?? {}
  }

  get body(): object {
    const inner = this.innerCode === undefined ? {} : { innererror: { code: this.innerCode } }
    return { error: { code: this.code, message: this.message, ...inner } }
  }
}

export function forbidden(innerCode: string, message: string): VaultError {
  return new VaultError(403, 'Forbidden', message, { innerCode })
}

export function badParameter(message: string): VaultError {
  return new VaultError(400, 'BadParameter', message)
}
