import type { Db } from '#db/database.ts'
import type { Claim } from './claim-due.ts'
import type { Kek } from './kek.ts'

/** Makes the next probe of a KEK due at `at`. */
export async function bringProbeForward(db: Db, kek: Pick<Kek, 'id' | 'orgId'>, at: Date): Promise<void> {
  await db
    .updateTable('kek_probes')
    .set({ next_probe_at: at })
    .where('org_id', '=', kek.orgId)
    .where('kek_id', '=', kek.id)
    .execute()
}

/**
 * Notes what a probe found, and when the next one is due.
 * @param probe with `isSoonerKept`, whoever wanted the next one sooner meanwhile (a suspension does) gets it sooner.
 */
export async function recordProbe(
  db: Db,
  probe: Claim & {
    at: Date
    nextAt: Date
    isSoonerKept: boolean
    outcome: string
    kmsRequestId: string | null
  },
): Promise<void> {
  await db
    .updateTable('kek_probes')
    .set((to) => ({
      last_probe_at: probe.at,
      next_probe_at: probe.isSoonerKept
        ? to
            .case()
            .when('next_probe_at', '=', probe.leasedUntil)
            .then(to.val(probe.nextAt))
            .else(to.fn<Date>('least', [to.ref('next_probe_at'), to.val(probe.nextAt)]))
            .end()
        : probe.nextAt,
      last_outcome: probe.outcome,
      last_kms_request_id: probe.kmsRequestId,
    }))
    .where('org_id', '=', probe.orgId)
    .where('kek_id', '=', probe.kekId)
    .execute()
}

/** The last probe of a KEK, for those who look at it. */
export async function findProbe(db: Db, orgId: string, kekId: string) {
  return db
    .selectFrom('kek_probes')
    .select(['last_probe_at', 'last_outcome', 'last_kms_request_id', 'next_probe_at'])
    .where('org_id', '=', orgId)
    .where('kek_id', '=', kekId)
    .executeTakeFirst()
}
