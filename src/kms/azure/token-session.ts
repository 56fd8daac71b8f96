import { EXPIRY_MARGIN_MS, RenewedSession, type SessionTime } from '#kms/renewed-session.ts'

/** A token as Entra issued it. One object stands for one token: its identity is what caches go by. */
export type VaultToken = Readonly<{ token: string; expiresAtMs: number }>

type Deps = SessionTime &
  Readonly<{
    /** Asks Entra. @throws {KekFault} */
    requestToken: () => Promise<VaultToken>
    /** A token this old is not used any more, though Azure would take it. */
    tokenAgeMsMax: number
  }>

/** Our token in one customer's tenant, renewed before it is too old. Withdrawn consent ends it: {@link RenewedSession}. */
export class TokenSession {
  readonly #tokens: RenewedSession<VaultToken>

  constructor({ requestToken, tokenAgeMsMax, ...time }: Deps) {
    this.#tokens = new RenewedSession({
      request: requestToken,
      endOf: ({ expiresAtMs }, nowMs) => Math.min(expiresAtMs - EXPIRY_MARGIN_MS, nowMs + tokenAgeMsMax),
      ...time,
    })
  }

  /** @throws {KekFault} */
  current(): Promise<VaultToken> {
    return this.#tokens.current()
  }

  /** Says that Azure no longer accepts `refused`: the next {@link current} gets another. */
  discard(refused: VaultToken): void {
    this.#tokens.discard((held) => held === refused)
  }
}
