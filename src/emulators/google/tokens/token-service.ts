import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import type { Principal } from '#emulators/google/iam/principal.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type { IdentityProviders } from './identity-providers.ts'
import { isSignedBy, parseJwt, signJwt, type Jwt } from './jwt.ts'
import type { ServiceAccount, ServiceAccounts } from './service-accounts.ts'

/** A refusal in the form of RFC 6749 §5.2, in Google's words. */
export class TokenError extends Error {
  override readonly name = 'TokenError'
  readonly error: string
  readonly httpStatus: number

  constructor(error: string, description: string, httpStatus = 400) {
    super(description)
    this.error = error
    this.httpStatus = httpStatus
  }
}

export type Form = URLSearchParams

type Issued = Readonly<{ principal: Principal; expiresAtMs: number }>

const TOKEN_LIFE_S = 3600
const TOKENS_MAX = 100_000
const GOOGLE_ISSUER = 'https://accounts.google.com'
const GOOGLE_AUDIENCES = new Set([
  'https://oauth2.googleapis.com/token',
  'https://www.googleapis.com/oauth2/v4/token',
])
const SKEW_S = 300

/** Google's token endpoint and its security token service. Assertions are dated by the machine's clock. */
export class TokenService {
  readonly #accounts: ServiceAccounts
  readonly #providers: IdentityProviders
  readonly #clock: ServiceClock
  readonly #machineNowMs: () => number
  readonly #issued = new Map<string, Issued>()
  #googleKey: { privateKey: KeyObject; publicKey: KeyObject } | undefined

  constructor(deps: {
    accounts: ServiceAccounts
    providers: IdentityProviders
    clock: ServiceClock
    machineNowMs: () => number
  }) {
    this.#accounts = deps.accounts
    this.#providers = deps.providers
    this.#clock = deps.clock
    this.#machineNowMs = deps.machineNowMs
  }

  /** Who a bearer token stands for; undefined for one that is unknown, expired or of an account that is gone. */
  principalOf(token: string): Principal | undefined {
    const issued = this.#issued.get(token)
    if (issued === undefined || issued.expiresAtMs <= this.#clock.nowMs()) return undefined
    const { principal } = issued
    if (principal.kind !== 'serviceAccount') return principal
    return this.#accounts.byEmail(principal.email)?.isDisabled === false ? principal : undefined
  }

  /** Ends every token that was ever issued. */
  forgetTokens(): void {
    this.#issued.clear()
  }

  /** A token without a login, for the people of a test or a demo. */
  issueFor(principal: Principal): string {
    const token = `ya29.${randomBytes(96).toString('base64url')}`
    this.#issued.set(token, { principal, expiresAtMs: this.#clock.nowMs() + TOKEN_LIFE_S * 1000 })
    for (const oldest of this.#issued.keys()) {
      if (this.#issued.size <= TOKENS_MAX) break
      this.#issued.delete(oldest)
    }
    return token
  }

  /** `POST /token`: a service account's signed assertion for an access token, or for an ID token (RFC 7523). */
  redeemAssertion(form: Form): Readonly<Record<string, unknown>> {
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      throw new TokenError('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`)
    }
    const jwt = parseJwt(form.get('assertion') ?? '')
    if (jwt === undefined) throw new TokenError('invalid_grant', 'Invalid JWT: Failed to parse token.')
    const { account, keyId } = this.#signerOf(jwt)
    const audience = jwt.claims['target_audience']
    if (typeof audience === 'string') return { id_token: this.#idTokenOf(account, audience) }
    if (typeof jwt.claims['scope'] !== 'string' || jwt.claims['scope'] === '') {
      throw new TokenError('invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
    }
    const keyName = `//iam.googleapis.com/projects/${account.projectId}/serviceAccounts/${account.email}/keys/${keyId}`
    const access_token = this.issueFor({ kind: 'serviceAccount', email: account.email, keyName })
    return { access_token, expires_in: TOKEN_LIFE_S - 1, token_type: 'Bearer' }
  }

  /** `POST /v1/token`: somebody else's identity token for an identity in a customer's pool (RFC 8693). */
  exchange(form: Form): Readonly<Record<string, unknown>> {
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:token-exchange') {
      throw new TokenError('unsupported_grant_type', 'Unsupported grant_type.')
    }
    const provider = this.#providers.find((form.get('audience') ?? '').replace('//iam.googleapis.com/', ''))
    if (provider === undefined || provider.isDisabled) {
      throw new TokenError(
        'invalid_target',
        'The target service indicated by the "audience" parameters is invalid. This might either be because the pool or provider is disabled or deleted or because it doesn\'t exist.',
      )
    }
    const jwt = parseJwt(form.get('subject_token') ?? '')
    if (jwt === undefined) throw new TokenError('invalid_request', 'Invalid value for "subject_token".')
    const { aud, exp, iss, sub } = jwt.claims
    if (iss !== provider.issuer) {
      throw new TokenError(
        'invalid_grant',
        `The issuer in ID Token ${String(iss)} does not match the expected ones: ${provider.issuer}`,
      )
    }
    const audiences =
      provider.allowedAudiences.length > 0
        ? provider.allowedAudiences
        : [`https://iam.googleapis.com/${provider.name}`]
    if (typeof aud !== 'string' || !audiences.includes(aud)) {
      throw new TokenError(
        'invalid_grant',
        `The audience in ID Token [${String(aud)}] does not match the expected audience ${audiences.join(', ')}.`,
      )
    }
    const kid = jwt.header['kid']
    const publicKey = iss === GOOGLE_ISSUER ? this.#google().publicKey : provider.publicKeys.get(String(kid))
    if (publicKey === undefined || !isSignedBy(jwt, publicKey)) {
      throw new TokenError('invalid_grant', 'Unable to verify the ID Token signature.')
    }
    if (typeof exp !== 'number' || exp + SKEW_S < this.#machineNowMs() / 1000) {
      throw new TokenError(
        'invalid_grant',
        `ID Token issued at ${String(jwt.claims['iat'])} is stale to sign-in.`,
      )
    }
    if (provider.subject !== undefined && sub !== provider.subject) {
      throw new TokenError(
        'unauthorized_client',
        'The given credential is rejected by the attribute condition.',
      )
    }
    const principalSubject = `principal://iam.googleapis.com/${provider.poolName}/subject/${String(sub)}`
    const access_token = this.issueFor({
      kind: 'federated',
      subject: String(sub),
      poolName: provider.poolName,
      principalSubject,
    })
    return {
      access_token,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: TOKEN_LIFE_S,
    }
  }

  #signerOf(jwt: Jwt): { account: ServiceAccount; keyId: string } {
    const { aud, exp, iat, iss } = jwt.claims
    const account = this.#accounts.byEmail(String(iss))
    if (account === undefined) throw new TokenError('invalid_grant', 'Invalid grant: account not found')
    if (account.isDisabled) throw new TokenError('invalid_grant', 'Invalid grant: account is disabled')
    const named = String(jwt.header['kid'])
    const keys = account.publicKeys.has(named) ? [named] : [...account.publicKeys.keys()]
    const keyId = keys.find((id) => {
      const publicKey = account.publicKeys.get(id)
      return publicKey !== undefined && isSignedBy(jwt, publicKey)
    })
    if (keyId === undefined) throw new TokenError('invalid_grant', 'Invalid JWT Signature.')
    const nowS = this.#machineNowMs() / 1000
    const isTimely =
      typeof iat === 'number' &&
      typeof exp === 'number' &&
      iat <= nowS + SKEW_S &&
      exp >= nowS - SKEW_S &&
      exp - iat <= TOKEN_LIFE_S
    if (!isTimely) {
      throw new TokenError(
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
      )
    }
    if (!GOOGLE_AUDIENCES.has(String(aud))) {
      throw new TokenError('invalid_grant', 'Invalid JWT: Failed audience check.')
    }
    return { account, keyId }
  }

  #idTokenOf({ email, uniqueId }: ServiceAccount, audience: string): string {
    const nowS = Math.floor(this.#machineNowMs() / 1000)
    const claims = {
      iss: GOOGLE_ISSUER,
      aud: audience,
      azp: email,
      email,
      email_verified: true,
      sub: uniqueId,
      iat: nowS,
      exp: nowS + TOKEN_LIFE_S,
    }
    return signJwt(claims, this.#google().privateKey, 'google')
  }

  #google() {
    this.#googleKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    return this.#googleKey
  }
}
