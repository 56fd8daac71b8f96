import { adminTokenActor } from '#ledger/actor.ts'

/** A token of the management API; belongs to one organisation and may do everything in it. */
export type AdminToken = Readonly<{
  id: string
  orgId: string
  name: string
  digest: Buffer
  hint: string
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
}>

export type AdminTokenSummary = Readonly<{
  id: string
  name: string
  hint: string
  createdAt: string
  expiresAt: string | null
  revokedAt: string | null
}>

export function summarizeAdminToken(token: AdminToken): AdminTokenSummary {
  return {
    id: token.id,
    name: token.name,
    hint: token.hint,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString() ?? null,
    revokedAt: token.revokedAt?.toISOString() ?? null,
  }
}

/** Who calls the management API. */
export type Principal = Readonly<{ orgId: string; tokenId: string; tokenName: string }>

/** How the ledger names a caller of the management API. */
export function actorOf(principal: Principal): string {
  return adminTokenActor(principal.tokenId)
}
