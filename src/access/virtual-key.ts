/** A token that we issue to an agent: it opens nothing itself, and says what may be lent to its bearer. */
export type VirtualKey = Readonly<{
  id: string
  orgId: string
  name: string
  /** Keyed digest of the token; the token itself is nowhere. */
  digest: Buffer
  /** First and last characters, to tell one from another. */
  hint: string
  /** Targets that it may use; empty: every target of the organisation. */
  targetIds: readonly string[]
  /** Models that it may use, exact names or prefixes ending in `*`; empty: any. */
  models: readonly string[]
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
}>

export type VirtualKeySummary = Readonly<{
  id: string
  name: string
  hint: string
  targetIds: readonly string[]
  models: readonly string[]
  status: 'active' | 'expired' | 'revoked'
  createdAt: string
  expiresAt: string | null
  revokedAt: string | null
}>

export function statusOf(
  virtualKey: Pick<VirtualKey, 'expiresAt' | 'revokedAt'>,
  now: Date,
): VirtualKeySummary['status'] {
  if (virtualKey.revokedAt !== null) return 'revoked'
  return virtualKey.expiresAt !== null && virtualKey.expiresAt <= now ? 'expired' : 'active'
}

export function summarizeVirtualKey(virtualKey: VirtualKey, now: Date): VirtualKeySummary {
  return {
    id: virtualKey.id,
    name: virtualKey.name,
    hint: virtualKey.hint,
    targetIds: virtualKey.targetIds,
    models: virtualKey.models,
    status: statusOf(virtualKey, now),
    createdAt: virtualKey.createdAt.toISOString(),
    expiresAt: virtualKey.expiresAt?.toISOString() ?? null,
    revokedAt: virtualKey.revokedAt?.toISOString() ?? null,
  }
}
