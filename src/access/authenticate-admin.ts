import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, tokenDigests } from '#integrity/token.ts'
import { AccessError } from './access-error.ts'
import type { Principal } from './admin-token.ts'
import { findAdminTokenByDigest } from './admin-token-repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/**
 * Who presents this `Authorization` header. Always asks the database, so that a revocation holds at once.
 * @throws {AccessError} `unauthenticated`, the same for an unknown, expired and revoked token.
 */
export async function authenticateAdmin(deps: Deps, authorization: string | undefined): Promise<Principal> {
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
  const stored = isWellFormedToken('hasp_admin', token)
    ? await findAdminTokenByDigest(deps.db.kysely, deps.ring, tokenDigests(deps.ring, token))
    : undefined
  const now = deps.now()
  if (
    stored === undefined ||
    stored.revokedAt !== null ||
    (stored.expiresAt !== null && stored.expiresAt <= now)
  ) {
    throw new AccessError('unauthenticated', 'This admin token is unknown, expired or revoked.')
  }
  return { orgId: stored.orgId, tokenId: stored.id, tokenName: stored.name }
}
