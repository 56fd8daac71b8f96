import { RenewedSession, type SessionTime } from '#kms/renewed-session.ts'

/** A bearer token for Google's APIs. */
export type AccessToken = Readonly<{ token: string; expiresAtMs: number }>

/** Where a call gets its token from. */
export interface TokenSource {
  /** A token that still serves. @throws {KekFault} */
  current(): Promise<AccessToken>
  /** Google refused this token: the next one must be another. */
  discard(refused: AccessToken): void
}

type Deps = SessionTime &
  Readonly<{
    /** Asks for a token. @throws {KekFault} */
    fetchToken: () => Promise<AccessToken>
  }>

/** One token, renewed before it ends. Withdrawn trust ends it: {@link RenewedSession}. */
export class RenewedToken implements TokenSource {
  readonly #tokens: RenewedSession<AccessToken>

  constructor({ fetchToken, ...time }: Deps) {
    this.#tokens = new RenewedSession({ request: fetchToken, ...time })
  }

  current(): Promise<AccessToken> {
    return this.#tokens.current()
  }

  discard(refused: AccessToken): void {
    this.#tokens.discard((held) => held === refused)
  }
}
