import { KekFault } from '#kms/kek-fault.ts'

/** A token as Entra issued it. One object stands for one token: its identity is what caches go by. */
export type VaultToken = Readonly<{ token: string; expiresAtMs: number }>

type Deps = Readonly<{
  /** Asks Entra. @throws {KekFault} */
  requestToken: () => Promise<VaultToken>
  /** A token this old is not used any more, though Azure would take it. */
  tokenAgeMsMax: number
  /** Wall-clock time, in milliseconds: what `expiresAtMs` is compared with. */
  now: () => number
  /** From 0 to 1; spreads the refreshes of many tenants. */
  random: () => number
}>

/** A token this near to its end is not used any more. */
const EXPIRY_MARGIN_MS = 30_000
/** A refresh begins when this share of the token's use is over, give or take the spread. */
const REFRESH_SHARE = 0.7
const REFRESH_SPREAD = 0.1
/** After a refresh that failed, the token still serves; Entra is asked again no sooner than this. */
const REFRESH_PAUSE_MS = 5_000

/**
 * Our token in one customer's tenant. Renewed in the background before it ends, by one call at a time; a caller
 * waits only when there is none that still serves. A refresh that is refused as `revoked` ends the token at once:
 * consent withdrawn is consent withdrawn, though Azure would honour the token longer.
 */
export class TokenSession {
  readonly #deps: Deps
  #token: VaultToken | undefined
  #usableUntilMs = 0
  #refreshAtMs = 0
  #refreshing: Promise<VaultToken> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** @throws {KekFault} */
  async current(): Promise<VaultToken> {
    const token = this.#token
    const now = this.#deps.now()
    if (token === undefined || now >= this.#usableUntilMs) return this.#refresh()
    if (now >= this.#refreshAtMs) this.#refreshAhead()
    return token
  }

  /** Says that Azure no longer accepts `refused`: the next {@link current} gets another. */
  discard(refused: VaultToken): void {
    if (this.#token === refused) this.#token = undefined
  }

  #refresh(): Promise<VaultToken> {
    this.#refreshing ??= this.#request().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  #refreshAhead(): void {
    this.#refreshAtMs = this.#deps.now() + REFRESH_PAUSE_MS
    this.#refresh().catch((error: unknown) => {
      if (error instanceof KekFault && error.kind === 'revoked') this.#token = undefined
    })
  }

  async #request(): Promise<VaultToken> {
    const token = await this.#deps.requestToken()
    const now = this.#deps.now()
    this.#usableUntilMs = Math.min(token.expiresAtMs - EXPIRY_MARGIN_MS, now + this.#deps.tokenAgeMsMax)
    const share = REFRESH_SHARE + REFRESH_SPREAD * this.#deps.random()
    this.#refreshAtMs = now + (this.#usableUntilMs - now) * share
    this.#token = token
    return token
  }
}
