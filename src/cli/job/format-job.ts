import type { LifecycleJob } from '#cli/api/replies.ts'
import { formatDetails } from '#cli/output/table.ts'
import { moment } from '#cli/output/words.ts'

const barWidth = 30

export function isEnded(job: LifecycleJob): boolean {
  return job.endedAt !== null
}

/** `120/10000`, with what failed. */
export function progressOf({ recordsDone, recordsTotal, recordsFailed }: LifecycleJob): string {
  return `${recordsDone}/${recordsTotal}${recordsFailed === 0 ? '' : `, ${recordsFailed} failed`}`
}

/** `move  [#####     ]  50%  120/240  running` */
export function barOf(job: LifecycleJob): string {
  const part = partOf(job)
  const filled = Math.floor(part * barWidth)
  const bar = '#'.repeat(filled) + ' '.repeat(barWidth - filled)
  const percent = `${Math.floor(part * 100)}`.padStart(3)
  return `${job.kind}  [${bar}] ${percent}%  ${progressOf(job)}  ${job.state}`
}

/** From 0 to 1. */
export function partOf({ recordsDone, recordsTotal, state }: LifecycleJob): number {
  if (recordsTotal === 0) return state === 'finished' ? 1 : 0
  return Math.min(1, recordsDone / recordsTotal)
}

/** Everything about one job, for people. */
export function formatJob(job: LifecycleJob, kekName: (id: string) => string): string {
  return formatDetails([
    ['Job', job.id],
    ['Kind', job.kind],
    ['From', kekName(job.fromKekId)],
    ...(job.toKekId === job.fromKekId ? [] : [['To', kekName(job.toKekId)] as const]),
    ...(job.targetId === null ? [] : [['Target', job.targetId] as const]),
    ['State', `${job.state}${job.stateReason === null ? '' : `: ${job.stateReason}`}`],
    ['Records', progressOf(job)],
    ['At most', `${job.recordsPerSecondMax} records a second`],
    ...(job.lastError === null ? [] : [['Last error', job.lastError] as const]),
    ['Begun', moment(job.startedAt)],
    ['Ended', moment(job.endedAt)],
  ])
}
