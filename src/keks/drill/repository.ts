import type { Db } from '#db/database.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import { KekError } from '#keks/kek-error.ts'
import type { Drill, DrillState } from './drill.ts'
import type { DrillMeasure } from './measure.ts'

const table = 'kek_drills'
/** A node that runs a drill and was not heard of for so long is gone. */
const lostAfterMs = 30_000

type Named = Readonly<{ orgId: string; kekId: string; drillId: string }>
type Row = NonNullable<Awaited<ReturnType<typeof selectOne>>>

function selectOne(db: Db, { orgId, kekId, drillId }: Named) {
  return db
    .selectFrom(table)
    .selectAll()
    .where('org_id', '=', orgId)
    .where('kek_id', '=', kekId)
    .where('id', '=', drillId)
    .executeTakeFirst()
}

function drillOf(row: Row, now: Date): Drill {
  const isLost = row.state === 'running' && now.getTime() - row.seen_at.getTime() > lostAfterMs
  return {
    id: row.id,
    orgId: row.org_id,
    kekId: row.kek_id,
    actor: row.actor,
    state: isLost ? 'interrupted' : (row.state as DrillState),
    unwrapMode: row.unwrap_mode as Drill['unwrapMode'],
    haspMs: row.hasp_ms,
    boundMs: row.bound_ms,
    canaryIntervalMs: row.canary_interval_ms,
    startedAt: row.started_at,
    endsBy: row.ends_by,
    withdrawnAt: row.withdrawn_at,
    restoringAt: row.restoring_at,
    restoredAt: row.restored_at,
    endedAt: row.ended_at,
    // Written by `syncDrill` alone.
    measure: row.measure as unknown as DrillMeasure,
  }
}

/** @throws {KekError} `drill_under_way` */
export async function insertDrill(db: Db, drill: Drill): Promise<void> {
  try {
    await db
      .insertInto(table)
      .values({
        id: drill.id,
        org_id: drill.orgId,
        kek_id: drill.kekId,
        actor: drill.actor,
        state: drill.state,
        unwrap_mode: drill.unwrapMode,
        canary_interval_ms: drill.canaryIntervalMs,
        hasp_ms: drill.haspMs,
        bound_ms: drill.boundMs,
        started_at: drill.startedAt,
        ends_by: drill.endsBy,
        seen_at: drill.startedAt,
        measure: JSON.stringify(drill.measure),
      })
      .execute()
  } catch (error) {
    if (violatedConstraint(error) !== 'kek_drills_one_at_a_time') throw error
    throw new KekError('drill_under_way', 'A drill of this KEK is under way: end it first, or wait for it.')
  }
}

/** @throws {KekError} `drill_not_found` */
export async function findDrill(db: Db, named: Named, now: Date): Promise<Drill> {
  const row = await selectOne(db, named)
  if (row === undefined) throw new KekError('drill_not_found', 'This KEK has no drill with this id.')
  return drillOf(row, now)
}

/** Drills of a KEK whose node is gone become `interrupted`, and are returned. */
export async function endLostDrills(
  db: Db,
  { orgId, kekId, now }: { orgId: string; kekId: string; now: Date },
): Promise<Drill[]> {
  const rows = await db
    .updateTable(table)
    .set({ state: 'interrupted', ended_at: now })
    .where('org_id', '=', orgId)
    .where('kek_id', '=', kekId)
    .where('state', '=', 'running')
    .where('seen_at', '<', new Date(now.getTime() - lostAfterMs))
    .returningAll()
    .execute()
  return rows.map((row) => drillOf(row, now))
}

/** Sets what somebody says of a running drill. @returns whether it was running. */
export async function updateRunningDrill(
  db: Db,
  { orgId, kekId, drillId }: Named,
  said: Readonly<{ withdrawnAt?: Date; restoringAt?: Date; restoredAt?: Date; endAskedAt?: Date }>,
): Promise<boolean> {
  const { withdrawnAt, restoringAt, restoredAt, endAskedAt } = said
  const result = await db
    .updateTable(table)
    .set({
      ...(withdrawnAt === undefined ? {} : { withdrawn_at: withdrawnAt }),
      ...(restoringAt === undefined ? {} : { restoring_at: restoringAt }),
      ...(restoredAt === undefined ? {} : { restored_at: restoredAt }),
      ...(endAskedAt === undefined ? {} : { end_asked_at: endAskedAt }),
    })
    .where('org_id', '=', orgId)
    .where('kek_id', '=', kekId)
    .where('id', '=', drillId)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** What the node that runs a drill has to know of it. */
export type DrillOrders = Pick<Drill, 'withdrawnAt' | 'restoringAt' | 'restoredAt'> &
  Readonly<{ isEndAsked: boolean }>

/**
 * Writes down what a running drill has measured, and that its node lives.
 * @returns what was said of it meanwhile; null when it runs no more.
 */
export async function syncDrill(
  db: Db,
  drill: Pick<Drill, 'id' | 'orgId'>,
  now: Date,
  measure: DrillMeasure,
): Promise<DrillOrders | null> {
  const row = await db
    .updateTable(table)
    .set({ seen_at: now, measure: JSON.stringify(measure) })
    .where('org_id', '=', drill.orgId)
    .where('id', '=', drill.id)
    .where('state', '=', 'running')
    .returning(['withdrawn_at', 'restoring_at', 'restored_at', 'end_asked_at'])
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    withdrawnAt: row.withdrawn_at,
    restoringAt: row.restoring_at,
    restoredAt: row.restored_at,
    isEndAsked: row.end_asked_at !== null,
  }
}

/** @returns whether it was running until now. */
export async function endDrill(
  db: Db,
  drill: Pick<Drill, 'id' | 'orgId'>,
  end: Readonly<{ state: DrillState; at: Date; measure: DrillMeasure }>,
): Promise<boolean> {
  const result = await db
    .updateTable(table)
    .set({ state: end.state, ended_at: end.at, seen_at: end.at, measure: JSON.stringify(end.measure) })
    .where('org_id', '=', drill.orgId)
    .where('id', '=', drill.id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}
