import type { Db } from '#db/database.ts'
import type { TargetHealth } from './target.ts'

/** What is known of each of the targets, by its id. */
export async function findHealth(
  db: Db,
  orgId: string,
  targetIds: string[],
): Promise<Map<string, TargetHealth>> {
  if (targetIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('target_health')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('target_id', 'in', targetIds)
    .execute()
  return new Map(
    rows.map((row) => [
      row.target_id,
      {
        lastUsedAt: row.last_used_at,
        lastVerifiedAt: row.last_verified_at,
        // The column has a CHECK with these very words.
        verification: row.verification as TargetHealth['verification'],
        detail: row.detail,
      },
    ]),
  )
}

export async function recordVerification(
  db: Db,
  seen: {
    orgId: string
    targetId: string
    at: Date
    verification: NonNullable<TargetHealth['verification']>
    detail: string | null
  },
): Promise<void> {
  await db
    .updateTable('target_health')
    .set({ last_verified_at: seen.at, verification: seen.verification, detail: seen.detail })
    .where('org_id', '=', seen.orgId)
    .where('target_id', '=', seen.targetId)
    .execute()
}

/** Moves `last_used_at` of many targets forward at once. */
export async function recordUses(
  db: Db,
  uses: readonly { orgId: string; targetId: string; at: Date }[],
): Promise<void> {
  for (const use of uses) {
    await db
      .updateTable('target_health')
      .set({ last_used_at: use.at })
      .where('org_id', '=', use.orgId)
      .where('target_id', '=', use.targetId)
      .execute()
  }
}
