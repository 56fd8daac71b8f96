import type { Database } from '#db/database.ts'
import { FreshTokenLookups } from '#db/fresh-token-lookups.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, tokenDigests } from '#integrity/token.ts'
import { AccessError } from './access-error.ts'
import { findAdminTokensByDigest } from './admin-token-repository.ts'
import type { AdminToken, Principal } from './admin-token.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/**
 * Finds who presents an admin token. Always asks the database, so that a revocation holds at once on every node; what
 * strangers may make it ask is bounded.
 */
export class AdminTokenDirectory {
  readonly #ring: SecretRing
  readonly #lookups: FreshTokenLookups<AdminToken>

  constructor({ db, ring, now }: Deps) {
    this.#ring = ring
    this.#lookups = new FreshTokenLookups({
      query: (digests) => findAdminTokensByDigest(db.kysely, ring, digests),
      isUsable: (token) => isUsable(token, now()),
    })
  }

  /**
   * Who presents this `Authorization` header.
   * @throws {AccessError} `unauthenticated`, the same for an unknown, expired and revoked token; `admin_token_busy`
   *   where more tokens are looked up than may be, for one that this node has not met; {IntegrityError} for a row that
   *   is not ours.
   */
  async authenticate(authorization: string | undefined): Promise<Principal> {
    const stored = await this.#find(tokenIn(authorization))
    if (stored === 'tampered') throw new IntegrityError('admin_tokens')
    if (stored === 'busy') {
      throw new AccessError(
        'admin_token_busy',
        'More admin tokens that this Hasp node has not met yet are being looked up than it may, or the database is slow to tell. Try again shortly.',
      )
    }
    if (stored === undefined) {
      throw new AccessError('unauthenticated', 'This admin token is unknown, expired or revoked.')
    }
    return { orgId: stored.orgId, tokenId: stored.id, tokenName: stored.name }
  }

  async #find(token: string): Promise<AdminToken | 'tampered' | 'busy' | undefined> {
    return isWellFormedToken('hasp_admin', token)
      ? this.#lookups.find(tokenDigests(this.#ring, token))
      : undefined
  }
}

function tokenIn(authorization: string | undefined): string {
  const token = /^Bearer ([!-~]+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) {
    throw new AccessError('unauthenticated', 'Send an admin token: "Authorization: Bearer hasp_admin_…".')
  }
  if (token.startsWith('hasp_vk_')) {
    throw new AccessError(
      'unauthenticated',
      'This is a virtual key, which is for the proxy; the management API takes an admin token (hasp_admin_…).',
    )
  }
  return token
}

function isUsable({ revokedAt, expiresAt }: AdminToken, now: Date): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now)
}
