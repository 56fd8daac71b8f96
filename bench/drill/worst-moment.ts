import { setTimeout as sleep } from 'node:timers/promises'
import type { ManagementApi } from '../hasp/management-api.ts'

/** After an unwrap that a withdrawal is to hit: it must be over by then. */
const afterUnwrapMs = 500
/** A held answer is asked for anew by the first canary after its ceiling: the beat is a multiple of theirs. */
const canaryIntervalMs = 250
const pollMs = 50

/**
 * Waits for the worst moment to withdraw a KEK in mode `cached`: when a withdrawal that acts `delayMs` later does so
 * just after an unwrap, whose answer then serves for the whole ceiling. The unwraps of a drill's one canary come in a
 * steady beat, which is read from the ledger.
 */
export async function worstMoment(api: ManagementApi, kekId: string, delayMs: number): Promise<void> {
  let unwrapsAtMs: number[] = []
  // The first answer may have been warm-up's.
  while (unwrapsAtMs.length < 3) {
    await sleep(pollMs)
    unwrapsAtMs = await readUnwraps(api, kekId)
  }
  const [last = 0, , first = 0] = unwrapsAtMs
  const beatMs = Math.round((last - first) / 2 / canaryIntervalMs) * canaryIntervalMs
  const soonest = (Date.now() + delayMs - afterUnwrapMs - last) / beatMs
  const unwrapAtMs = last + Math.ceil(soonest) * beatMs
  await sleep(Math.max(0, unwrapAtMs + afterUnwrapMs - delayMs - Date.now()))
}

/** When the canaries of drills were unwrapped, newest first. */
async function readUnwraps(api: ManagementApi, kekId: string): Promise<number[]> {
  const listing = await api('GET', `/ledger?kind=unwrap.completed&kekId=${kekId}&limit=10`)
  // A page of the ledger, by the API's schema.
  const entries = listing['items'] as { actor: string; occurredAt: string }[]
  return entries
    .filter(({ actor }) => actor.startsWith('drill:'))
    .map(({ occurredAt }) => Date.parse(occurredAt))
}
