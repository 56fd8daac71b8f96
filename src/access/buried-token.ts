import type { AdminToken } from './admin-token.ts'

/**
 * The revoked token that is put in the place of a row that is not ours. Of that row only the digest stays, which opens
 * nothing: whoever holds the token that it now stands for is told that it is revoked. Its name may be a forger's words.
 */
export function buriedToken(row: { id: string; org_id: string; digest: Buffer }, at: Date): AdminToken {
  return {
    id: row.id,
    orgId: row.org_id,
    name: `tampered-${row.id}`,
    digest: row.digest,
    hint: '',
    createdAt: at,
    expiresAt: null,
    revokedAt: at,
  }
}
