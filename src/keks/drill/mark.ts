import type { BeforeCommit } from '#db/before-commit.ts'
import { KekError } from '#keks/kek-error.ts'
import type { Drill, DrillMark } from './drill.ts'
import { findDrill, updateRunningDrill } from './repository.ts'
import type { DrillDeps } from './start.ts'

type Named = Readonly<{ orgId: string; kekId: string; drillId: string; beforeCommit?: BeforeCommit<Drill> }>

/**
 * Notes that the KEK was withdrawn, is being restored, or was: at `at`, or just now. A mark may be set anew, with a
 * better time, until the restoration is marked.
 * @throws {KekError} `drill_not_found`, `drill_not_running`, `drill_mark_invalid`
 */
export async function markDrill(
  deps: Pick<DrillDeps, 'db' | 'now'>,
  input: Named & Readonly<{ mark: DrillMark; at?: Date | undefined }>,
): Promise<Drill> {
  const { mark, beforeCommit } = input
  return deps.db.transaction(async (trx) => {
    const now = deps.now()
    const drill = await findDrill(trx, input, now)
    if (drill.state !== 'running') throw notRunning()
    const at = input.at ?? now
    requireInOrder(drill, mark, at, now)
    const said = {
      withdrawn: { withdrawnAt: at },
      restoring: { restoringAt: at },
      restored: { restoredAt: at },
    }[mark]
    if (!(await updateRunningDrill(trx, input, said))) throw notRunning()
    const after = { ...drill, ...said }
    await beforeCommit?.(trx, after)
    return after
  })
}

/**
 * Ends a drill before its time: the node that runs it does so within a second.
 * @throws {KekError} `drill_not_found`, `drill_not_running`
 */
export async function askDrillToEnd(deps: Pick<DrillDeps, 'db' | 'now'>, input: Named): Promise<Drill> {
  return deps.db.transaction(async (trx) => {
    const now = deps.now()
    const drill = await findDrill(trx, input, now)
    if (drill.state !== 'running' || !(await updateRunningDrill(trx, input, { endAskedAt: now }))) {
      throw notRunning()
    }
    await input.beforeCommit?.(trx, drill)
    return drill
  })
}

function requireInOrder(drill: Drill, mark: DrillMark, at: Date, now: Date): void {
  const invalid = (message: string) => new KekError('drill_mark_invalid', message)
  if (at > now) throw invalid('A mark tells of what has happened: its time is in the future.')
  if (drill.restoredAt !== null) throw invalid('This drill is past its restoration: start another.')
  if (mark === 'withdrawn') {
    if (at < drill.startedAt) throw invalid('The withdrawal must lie after the start of the drill.')
    return
  }
  if (drill.withdrawnAt === null) throw invalid('Mark the withdrawal first.')
  if (at < (mark === 'restored' ? (drill.restoringAt ?? drill.withdrawnAt) : drill.withdrawnAt))
    throw invalid('The restoration must lie after the withdrawal, and after its own beginning.')
}

function notRunning(): KekError {
  return new KekError('drill_not_running', 'This drill has ended: start another.')
}
