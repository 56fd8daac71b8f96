import type { Database, Db } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { mintToken, tokenDigests } from '#integrity/token.ts'
import { recordChange } from '#ledger/record-change.ts'
import { AccessError } from './access-error.ts'
import type { AdminToken } from './admin-token.ts'
import { insertAdminToken, lockUsableAdminTokens, replaceAdminToken } from './admin-token-repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/** Makes an admin token. The token is in the answer and nowhere else. */
export async function issueAdminToken(
  deps: Deps,
  input: { orgId: string; actor: string; name: string; expiresAt: Date | null },
): Promise<{ adminToken: AdminToken; token: string }> {
  return deps.db.transaction((trx) => issueAdminTokenIn(trx, deps, input))
}

/** As {@link issueAdminToken}, within a transaction of the caller's. */
export async function issueAdminTokenIn(
  trx: Db,
  deps: Pick<Deps, 'ring' | 'now'>,
  input: { orgId: string; actor: string; name: string; expiresAt: Date | null },
): Promise<{ adminToken: AdminToken; token: string }> {
  const { token, hint } = mintToken('hasp_admin')
  const now = deps.now()
  const adminToken: AdminToken = {
    id: newId(),
    orgId: input.orgId,
    name: input.name,
    digest: currentDigest(deps.ring, token),
    hint,
    createdAt: now,
    expiresAt: input.expiresAt,
    revokedAt: null,
  }
  await recordChange(trx, {
    orgId: input.orgId,
    kind: 'admin-token.created',
    actor: input.actor,
    occurredAt: now,
    details: { adminTokenId: adminToken.id, name: input.name },
  })
  await insertAdminToken(trx, deps.ring, adminToken)
  return { adminToken, token }
}

/**
 * Revokes an admin token at once.
 * @throws {AccessError} `admin_token_not_found`; `admin_token_last` for the only usable one, which would lock
 *   everybody out.
 */
export async function revokeAdminToken(
  deps: Deps,
  input: { orgId: string; actor: string; adminTokenId: string },
): Promise<AdminToken> {
  return deps.db.transaction(async (trx) => {
    const now = deps.now()
    const usable = await lockUsableAdminTokens(trx, deps.ring, input.orgId, now)
    const before = usable.find((token) => token.id === input.adminTokenId)
    if (before === undefined) {
      throw new AccessError(
        'admin_token_not_found',
        'There is no usable admin token with this id in your organisation.',
      )
    }
    if (usable.length === 1) {
      throw new AccessError(
        'admin_token_last',
        'This is the last usable admin token: make another before you revoke it.',
      )
    }
    const after: AdminToken = { ...before, revokedAt: now }
    await recordChange(trx, {
      orgId: input.orgId,
      kind: 'admin-token.revoked',
      actor: input.actor,
      occurredAt: now,
      details: { adminTokenId: before.id, name: before.name },
    })
    await replaceAdminToken(trx, deps.ring, before, after)
    return after
  })
}

/** The digest that a new token is stored under. */
export function currentDigest(ring: SecretRing, token: string): Buffer {
  const [digest] = tokenDigests(ring, token)
  if (digest === undefined) throw new Error('The secret ring has no current secret.')
  return digest
}
