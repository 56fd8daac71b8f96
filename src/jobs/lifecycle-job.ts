/**
 * What a lifecycle job does to every record that its KEK wraps:
 * - `rewrap`: the same DEK, wrapped anew under the same KEK (under its newest material);
 * - `move`: the same DEK, wrapped under another KEK, of another cloud perhaps;
 * - `re-encrypt`: a new DEK, under the same KEK.
 */
export const lifecycleJobKinds = ['rewrap', 'move', 're-encrypt'] as const
export type LifecycleJobKind = (typeof lifecycleJobKinds)[number]

/**
 * `blocked` waits until a KEK may be used again, and goes on by itself; `failed` has ended with records that could not
 * be done, each of which the ledger names.
 */
export const lifecycleJobStates = [
  'pending',
  'running',
  'blocked',
  'finished',
  'failed',
  'cancelled',
] as const
type LifecycleJobState = (typeof lifecycleJobStates)[number]

/** The states of a job that has work before it. */
export const unendedStates = ['pending', 'running', 'blocked'] as const

/** One run through the records of a KEK: what was asked for, and how far it is decided. */
export type LifecycleJob = Readonly<{
  id: string
  orgId: string
  kind: LifecycleJobKind
  fromKekId: string
  /** The same as `fromKekId` unless the job moves. */
  toKekId: string
  /** The one target it is for; null for all. */
  targetId: string | null
  /** Rate limit: records a second, each of them an unwrap and a wrap for every version of its credential. */
  recordsPerSecondMax: number
  state: LifecycleJobState
  /** Why it is blocked or has failed. */
  stateReason: string | null
  actor: string
  /** What was wrapped (or, for `re-encrypt`, whose DEK was made) since then needs nothing done. */
  createdAt: Date
  startedAt: Date | null
  endedAt: Date | null
}>

/** How far a job is: counted, not decided upon. A record is a target with every version of its credential. */
export type LifecycleJobProgress = Readonly<{
  recordsTotal: number
  recordsDone: number
  recordsFailed: number
  /** What last kept it from going on. */
  lastError: string | null
  runBy: string | null
}>

export type LifecycleJobStatus = Readonly<{ job: LifecycleJob; progress: LifecycleJobProgress }>

export const recordsPerSecondDefault = 50

export function isEnded(job: LifecycleJob): boolean {
  return !unendedStates.some((state) => state === job.state)
}

/** As the ledger names whoever does the work. */
export function actorOf(job: LifecycleJob): string {
  return `lifecycle-job:${job.id}`
}
