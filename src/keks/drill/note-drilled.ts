import type { Db } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { appendEntry } from '#ledger/append.ts'
import { drillActor, type Drill } from './drill.ts'

/**
 * The ledger entry of a drill that has ended. It names the KMS requests that its figures rest on; every other canary is
 * an entry of its own (`unwrap.intended`, `unwrap.completed`, `unwrap.refused`) by the same actor.
 */
export async function noteDrilled(trx: Db, drill: Drill, endedAt: Date): Promise<void> {
  const { measure } = drill
  await appendEntry(trx, {
    entryId: newId(),
    orgId: drill.orgId,
    kind: 'kek.drilled',
    // Not who started it: their token may have ended meanwhile, and the result stands all the same.
    actor: drillActor(drill.id),
    occurredAt: endedAt,
    kekId: drill.kekId,
    details: {
      drillId: drill.id,
      startedBy: drill.actor,
      state: drill.state,
      unwrapMode: drill.unwrapMode,
      canaryIntervalMs: drill.canaryIntervalMs,
      boundMs: drill.boundMs,
      haspMs: drill.haspMs,
      startedAt: drill.startedAt.toISOString(),
      withdrawnAt: drill.withdrawnAt?.toISOString() ?? null,
      restoringAt: drill.restoringAt?.toISOString() ?? null,
      restoredAt: drill.restoredAt?.toISOString() ?? null,
      ...measure,
      lastSuccess: measure.lastSuccess && { ...measure.lastSuccess },
      firstRefusal: measure.firstRefusal && { ...measure.firstRefusal },
      firstSuccessAgain: measure.firstSuccessAgain && { ...measure.firstSuccessAgain },
    },
  })
}
