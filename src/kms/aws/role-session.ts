import { KekFault } from '#kms/kek-fault.ts'
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts'

export type AssumedRole = Readonly<{ credentials: AwsCredentials; expiresAtMs: number }>

type Deps = Readonly<{
  /** Asks STS for a session. @throws {KekFault} */
  assumeRole: () => Promise<AssumedRole>
  /** Wall-clock time, in milliseconds: what `expiresAtMs` is compared with. */
  now: () => number
  /** From 0 to 1; spreads the refreshes of many KEKs. */
  random: () => number
}>

/** A session this near to its end is not used any more. */
const EXPIRY_MARGIN_MS = 30_000
/** A refresh begins when this share of the session's life is over, give or take the spread. */
const REFRESH_SHARE = 0.7
const REFRESH_SPREAD = 0.1
/** After a refresh that failed, the session still serves; STS is asked again no sooner than this. */
const REFRESH_PAUSE_MS = 5_000

/**
 * The session of a role in the customer's account. Renewed in the background before it ends, by one call at a
 * time; a caller waits only when there is no session that still serves. A refresh that is refused as `revoked`
 * ends the session at once, though AWS would honour it longer: trust withdrawn is trust withdrawn.
 */
export class RoleSession implements CredentialSource {
  readonly isOwnPrincipal = false
  readonly #deps: Deps
  #role: AssumedRole | undefined
  #refreshAtMs = 0
  #refreshing: Promise<AwsCredentials> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async current(): Promise<AwsCredentials> {
    const role = this.#role
    const now = this.#deps.now()
    if (role === undefined || now >= role.expiresAtMs - EXPIRY_MARGIN_MS) return this.#refresh()
    if (now >= this.#refreshAtMs) this.#refreshAhead()
    return role.credentials
  }

  discard(refused: AwsCredentials): void {
    if (this.#role?.credentials === refused) this.#role = undefined
  }

  #refresh(): Promise<AwsCredentials> {
    this.#refreshing ??= this.#assume().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  #refreshAhead(): void {
    this.#refreshAtMs = this.#deps.now() + REFRESH_PAUSE_MS
    this.#refresh().catch((error: unknown) => {
      if (error instanceof KekFault && error.kind === 'revoked') this.#role = undefined
    })
  }

  async #assume(): Promise<AwsCredentials> {
    const role = await this.#deps.assumeRole()
    const now = this.#deps.now()
    const share = REFRESH_SHARE + REFRESH_SPREAD * this.#deps.random()
    this.#refreshAtMs = now + (role.expiresAtMs - now) * share
    this.#role = role
    return role.credentials
  }
}
