const adminToken = 'admin-token:'

/** How the ledger names whoever came with an admin token. */
export function adminTokenActor(adminTokenId: string): string {
  return adminToken + adminTokenId
}

/** The admin token that an actor came with; null for every other kind of actor (`operator`, `probe`, …). */
export function adminTokenIdOf(actor: string): string | null {
  return actor.startsWith(adminToken) ? actor.slice(adminToken.length) : null
}
