import type { BeforeCommit } from '#db/before-commit.ts'
import type { Database, Db } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { mintToken, tokenDigests } from '#integrity/token.ts'
import { recordChange } from '#ledger/record-change.ts'
import { AccessError } from './access-error.ts'
import type { AdminToken } from './admin-token.ts'
import {
  buryAdminToken,
  insertAdminToken,
  lockUsableAdminTokens,
  replaceAdminToken,
} from './admin-token-repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

export type IssuedAdminToken = Readonly<{ adminToken: AdminToken; token: string }>

/** Makes an admin token. The token is in the answer and nowhere else. */
export async function issueAdminToken(
  deps: Deps,
  input: {
    orgId: string
    actor: string
    name: string
    expiresAt: Date | null
    beforeCommit?: BeforeCommit<IssuedAdminToken>
  },
): Promise<IssuedAdminToken> {
  return deps.db.transaction(async (trx) => {
    const issued = await issueAdminTokenIn(trx, deps, input)
    await input.beforeCommit?.(trx, issued)
    return issued
  })
}

/** As {@link issueAdminToken}, within a transaction of the caller's. */
export async function issueAdminTokenIn(
  trx: Db,
  deps: Pick<Deps, 'ring' | 'now'>,
  input: { orgId: string; actor: string; name: string; expiresAt: Date | null },
): Promise<IssuedAdminToken> {
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
 * Revokes an admin token at once; also one whose row was tampered with, of which nothing is trusted.
 * @throws {AccessError} `admin_token_not_found`; `admin_token_last` for the only usable one, which would lock
 *   everybody out.
 */
export async function revokeAdminToken(
  deps: Deps,
  input: { orgId: string; actor: string; adminTokenId: string; beforeCommit?: BeforeCommit<AdminToken> },
): Promise<AdminToken> {
  return deps.db.transaction(async (trx) => {
    const { orgId, actor, adminTokenId } = input
    const at = deps.now()
    const usable = await lockUsableAdminTokens(trx, deps.ring, orgId, at)
    const before = usable.find((token) => token.id === adminTokenId)
    if (before !== undefined && usable.length === 1) {
      throw new AccessError(
        'admin_token_last',
        'This is the last usable admin token: make another before you revoke it.',
      )
    }
    const details = before === undefined ? { isTampered: true } : { name: before.name }
    await recordChange(trx, {
      orgId,
      kind: 'admin-token.revoked',
      actor,
      occurredAt: at,
      details: { adminTokenId, ...details },
    })
    const after =
      before === undefined
        ? await buryAdminToken(trx, deps.ring, { orgId, id: adminTokenId, at })
        : { ...before, revokedAt: at }
    if (after === undefined) {
      throw new AccessError(
        'admin_token_not_found',
        'There is no usable admin token with this id in your organisation.',
      )
    }
    if (before !== undefined) await replaceAdminToken(trx, deps.ring, before, after)
    await input.beforeCommit?.(trx, after)
    return after
  })
}

/** The digest that a new token is stored under. */
export function currentDigest(ring: SecretRing, token: string): Buffer {
  const [digest] = tokenDigests(ring, token)
  if (digest === undefined) throw new Error('The secret ring has no current secret.')
  return digest
}
