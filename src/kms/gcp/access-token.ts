import { KekFault } from '#kms/kek-fault.ts'

/** A bearer token for Google's APIs. */
export type AccessToken = Readonly<{ token: string; expiresAtMs: number }>

/** Where a call gets its token from. */
export interface TokenSource {
  /** A token that still serves. @throws {KekFault} */
  current(): Promise<AccessToken>
  /** Google refused this token: the next one must be another. */
  discard(refused: AccessToken): void
}

type Deps = Readonly<{
  /** Asks for a token. @throws {KekFault} */
  fetchToken: () => Promise<AccessToken>
  /** Wall-clock time, in milliseconds. */
  now: () => number
  /** From 0 to 1; spreads the renewals of many KEKs. */
  random: () => number
}>

/** A token this near to its end is not used any more. */
const EXPIRY_MARGIN_MS = 30_000
/** A renewal begins when this share of the token's life is over, give or take the spread. */
const RENEWAL_SHARE = 0.7
const RENEWAL_SPREAD = 0.1
/** After a renewal that failed, the token still serves; another is asked for no sooner than this. */
const RENEWAL_PAUSE_MS = 5_000

/**
 * One token, renewed in the background before it ends and by one request at a time; a caller waits only when there
 * is none that still serves. A renewal that is refused as `revoked` ends the token at once, though Google would
 * honour it longer: trust withdrawn is trust withdrawn.
 */
export class RenewedToken implements TokenSource {
  readonly #deps: Deps
  #held: AccessToken | undefined
  #renewAtMs = 0
  #renewing: Promise<AccessToken> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async current(): Promise<AccessToken> {
    const held = this.#held
    const now = this.#deps.now()
    if (held === undefined || now >= held.expiresAtMs - EXPIRY_MARGIN_MS) return this.#renew()
    if (now >= this.#renewAtMs) this.#renewAhead()
    return held
  }

  discard(refused: AccessToken): void {
    if (this.#held === refused) this.#held = undefined
  }

  #renew(): Promise<AccessToken> {
    this.#renewing ??= this.#fetch().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  #renewAhead(): void {
    this.#renewAtMs = this.#deps.now() + RENEWAL_PAUSE_MS
    this.#renew().catch((error: unknown) => {
      if (error instanceof KekFault && error.kind === 'revoked') this.#held = undefined
    })
  }

  async #fetch(): Promise<AccessToken> {
    const fetched = await this.#deps.fetchToken()
    const now = this.#deps.now()
    const share = RENEWAL_SHARE + RENEWAL_SPREAD * this.#deps.random()
    this.#renewAtMs = now + (fetched.expiresAtMs - now) * share
    this.#held = fetched
    return fetched
  }
}
