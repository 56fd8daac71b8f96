import type { LifecycleJobDeps } from './deps.ts'
import { findJobsToQueue } from './repository.ts'

/** Longer than pg-boss takes to hand a killed run's job to another node. */
const silentMs = 60_000

/**
 * Queues what nobody works on and somebody should: a blocked job whose pause is over, and what the queue has lost.
 * What is queued already stays as it is, so every node may ask at any time.
 */
export async function queueJobsLeft(deps: Pick<LifecycleJobDeps, 'db' | 'now' | 'enqueue'>): Promise<void> {
  for (const job of await findJobsToQueue(deps.db.kysely, deps.now(), silentMs)) {
    await deps.enqueue(deps.db.kysely, job)
  }
}
