import { RenewedSession, type SessionTime } from '#kms/renewed-session.ts'
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts'

export type AssumedRole = Readonly<{ credentials: AwsCredentials; expiresAtMs: number }>

type Deps = SessionTime &
  Readonly<{
    /** Asks STS for a session. @throws {KekFault} */
    assumeRole: () => Promise<AssumedRole>
  }>

/** The session of a role in the customer's account, renewed before it ends. Withdrawn trust ends it: {@link RenewedSession}. */
export class RoleSession implements CredentialSource {
  readonly isOwnPrincipal = false
  readonly #roles: RenewedSession<AssumedRole>

  constructor({ assumeRole, ...time }: Deps) {
    this.#roles = new RenewedSession({ request: assumeRole, ...time })
  }

  async current(): Promise<AwsCredentials> {
    const { credentials } = await this.#roles.current()
    return credentials
  }

  discard(refused: AwsCredentials): void {
    this.#roles.discard(({ credentials }) => credentials === refused)
  }
}
