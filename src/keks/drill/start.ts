import type { BeforeCommit } from '#db/before-commit.ts'
import { newId } from '#db/ids.ts'
import { KekError } from '#keks/kek-error.ts'
import { findKek } from '#keks/repository.ts'
import { revocationBound } from '#keks/revocation-bound.ts'
import { appendEntry } from '#ledger/append.ts'
import { lockOrganisation } from '#ledger/lock-organisation.ts'
import { drillLimits, type Drill } from './drill.ts'
import { measureDrill } from './measure.ts'
import { noteDrilled } from './note-drilled.ts'
import { endLostDrills, insertDrill } from './repository.ts'
import type { DrillRunner } from './run.ts'
import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'

export type DrillDeps = Readonly<{ db: Database; ring: SecretRing; now: () => Date; drills: DrillRunner }>

export type StartDrill = Readonly<{
  orgId: string
  kekId: string
  actor: string
  canaryIntervalMs?: number | undefined
  durationMs?: number | undefined
  /** In place of the published bound. */
  boundMs?: number | undefined
  beforeCommit?: BeforeCommit<Drill>
}>

/**
 * Starts sending canaries on this node. Changes nothing of the KEK: its owner withdraws and restores it.
 * @throws {KekError} `kek_not_found`, `kek_not_active`, `drill_under_way`
 */
export async function startDrill(deps: DrillDeps, input: StartDrill): Promise<Drill> {
  const { orgId, kekId, actor } = input
  const drill = await deps.db.transaction(async (trx) => {
    await lockOrganisation(trx, orgId)
    const kek = await findKek(trx, deps.ring, orgId, kekId)
    if (kek.state !== 'active' || kek.canary === null) {
      throw new KekError('kek_not_active', `Only an active KEK can be drilled: this one is ${kek.state}.`)
    }
    const now = deps.now()
    for (const lost of await endLostDrills(trx, { orgId, kekId, now })) await noteDrilled(trx, lost, now)
    const { newRequestsMs, haspMs } = revocationBound(kek)
    const bound = { haspMs, boundMs: input.boundMs ?? newRequestsMs }
    const started: Drill = {
      id: newId(),
      orgId,
      kekId,
      actor,
      state: 'running',
      unwrapMode: kek.unwrapMode,
      ...bound,
      canaryIntervalMs: input.canaryIntervalMs ?? drillLimits.canaryIntervalMs.default,
      startedAt: now,
      endsBy: new Date(now.getTime() + (input.durationMs ?? drillLimits.durationMs.default)),
      withdrawnAt: null,
      restoringAt: null,
      restoredAt: null,
      endedAt: null,
      measure: measureDrill([], { withdrawnAtMs: null, restoringAtMs: null, restoredAtMs: null }, bound),
    }
    await insertDrill(trx, started)
    await appendEntry(trx, {
      entryId: newId(),
      orgId,
      kind: 'kek.drill-started',
      actor,
      occurredAt: now,
      kekId,
      details: { drillId: started.id, unwrapMode: started.unwrapMode, ...bound },
    })
    await input.beforeCommit?.(trx, started)
    return started
  })
  deps.drills.run(drill)
  return drill
}
