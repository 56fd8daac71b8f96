import { KekFault } from './kek-fault.ts'

type Expiring = Readonly<{ expiresAtMs: number }>

/** Where a session gets its time from. */
export type SessionTime = Readonly<{
  /** Wall-clock time, in milliseconds: what `expiresAtMs` is compared with. */
  now: () => number
  /** From 0 to 1; spreads the renewals of many sessions. */
  random: () => number
}>

type Deps<Issued extends Expiring> = SessionTime &
  Readonly<{
    /** Asks the cloud for a session. @throws {KekFault} */
    request: () => Promise<Issued>
    /** When a session that was issued at `nowMs` is to be replaced at the latest; without it, when it expires. */
    endOf?: (issued: Issued, nowMs: number) => number
  }>

/** A session this near to its expiry is not used any more. */
export const EXPIRY_MARGIN_MS = 30_000
/** A renewal begins when this share of the session's life is over, give or take the spread. */
const RENEWAL_SHARE = 0.7
const RENEWAL_SPREAD = 0.1
/** After a renewal that failed, the session still serves; the cloud is asked again no sooner than this. */
const RENEWAL_PAUSE_MS = 5_000

/**
 * A session with a cloud: a token, the credentials of a role. Renewed in the background before it ends, by one
 * request at a time; a caller waits only when there is none that still serves. A renewal that is refused as
 * `revoked` ends the session at once, though the cloud would honour it longer: trust withdrawn is trust withdrawn.
 */
export class RenewedSession<Issued extends Expiring> {
  readonly #deps: Deps<Issued>
  #held: Issued | undefined
  #usableUntilMs = 0
  #renewAtMs = 0
  #renewing: Promise<Issued> | undefined

  constructor(deps: Deps<Issued>) {
    this.#deps = deps
  }

  /** One that still serves. @throws {KekFault} */
  async current(): Promise<Issued> {
    const held = this.#held
    const now = this.#deps.now()
    if (held === undefined || now >= this.#usableUntilMs) return this.#renew()
    if (now >= this.#renewAtMs) this.#renewAhead()
    return held
  }

  /** Gives up the session if it is the one that the cloud refused: the next {@link current} gets another. */
  discard(isRefused: (held: Issued) => boolean): void {
    if (this.#held !== undefined && isRefused(this.#held)) this.#held = undefined
  }

  #renew(): Promise<Issued> {
    this.#renewing ??= this.#request().finally(() => {
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

  async #request(): Promise<Issued> {
    const { endOf, now, random, request } = this.#deps
    const issued = await request()
    const nowMs = now()
    const endMs = endOf?.(issued, nowMs) ?? issued.expiresAtMs
    this.#usableUntilMs = Math.min(endMs, issued.expiresAtMs - EXPIRY_MARGIN_MS)
    this.#renewAtMs = nowMs + (endMs - nowMs) * (RENEWAL_SHARE + RENEWAL_SPREAD * random())
    this.#held = issued
    return issued
  }
}
