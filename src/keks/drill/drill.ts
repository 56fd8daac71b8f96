import type { UnwrapMode } from '#keks/kek.ts'
import type { DrillMeasure } from './measure.ts'

/**
 * - `finished`: the KEK was withdrawn and restored, and both were seen;
 * - `ended-early`: somebody ended it;
 * - `expired`: its time ran out;
 * - `interrupted`: the node that ran it stopped.
 */
export const drillStates = ['running', 'finished', 'ended-early', 'expired', 'interrupted'] as const
export type DrillState = (typeof drillStates)[number]

export const drillLimits = {
  canaryIntervalMs: { min: 100, max: 10_000, default: 250 },
  durationMs: { min: 10_000, max: 3_600_000, default: 1_800_000 },
  boundMs: { min: 0, max: 86_400_000 },
} as const

/**
 * What the one who drills says, because Hasp can neither do it nor see it. `restoring`: the KEK is about to be given
 * back, so that what is served from now on is no late success; without it, that is so from `restored` on.
 */
export const drillMarks = ['withdrawn', 'restoring', 'restored'] as const
export type DrillMark = (typeof drillMarks)[number]

/**
 * A measurement of how soon taking a KEK away takes effect: canaries go through the same unwrap as proxied calls while
 * its owner withdraws and restores it.
 */
export type Drill = Readonly<{
  id: string
  orgId: string
  kekId: string
  actor: string
  state: DrillState
  /** Rules at its start. */
  unwrapMode: UnwrapMode
  haspMs: number
  /** What the last request served after the withdrawal is held against, in milliseconds. */
  boundMs: number
  canaryIntervalMs: number
  startedAt: Date
  endsBy: Date
  withdrawnAt: Date | null
  restoringAt: Date | null
  restoredAt: Date | null
  endedAt: Date | null
  measure: DrillMeasure
}>

/** How the ledger names the unwraps of a drill. */
export function drillActor(drillId: string): string {
  return `drill:${drillId}`
}
