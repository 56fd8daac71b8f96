import { setTimeout as sleep } from 'node:timers/promises'
import { startLoad, type Caller } from './background-load.ts'
import type { Scene } from './start-scene.ts'

/** What one revocation under load came to. */
export type Trial = Readonly<{
  /** Calls that were started after DisableKey's answer, and how many of them reached the provider. */
  startedAfter: number
  startedAfterReached: number
  /** Calls started before it that reached the provider after it: their unwrap was past. Their lags in milliseconds. */
  lagsMs: readonly number[]
  /** Calls started before it that reached the provider at all. */
  served: number
  /** The status of the call that was started at once, and how long its refusal took. */
  nextStatus: number
  refusedInMs: number
}>

const loadBeforeMs = 15
const loadAfterMs = 10
const concurrency = 8

/** Disables the key under load, calls at once, and enables it again. */
export async function runTrial(scene: Scene, caller: Caller): Promise<Trial> {
  caller.forget()
  const seenBefore = scene.provider.requestCount()
  const load = startLoad(caller, concurrency)
  await sleep(loadBeforeMs)
  const answered = await scene.disableKey()
  const next = await caller.call()
  await sleep(loadAfterMs)
  await load.stop()
  const count = scene.provider.requestCount() - seenBefore
  const reached = count === 0 ? [] : scene.provider.requests().slice(-count)
  await scene.enableKey()

  const calls = reached.map(({ headers, receivedAt }) => ({
    startedAtMs: caller.startOf(headers['x-client-request-id'] ?? ''),
    lagMs: Date.parse(receivedAt) - answered.epochMs,
  }))
  const isAfter = (startedAtMs: number | undefined) =>
    startedAtMs === undefined || startedAtMs > answered.atMs
  return {
    startedAfter: caller.startsAfter(answered.atMs),
    startedAfterReached: calls.filter(({ startedAtMs }) => isAfter(startedAtMs)).length,
    lagsMs: calls.flatMap(({ startedAtMs, lagMs }) => (!isAfter(startedAtMs) && lagMs > 0 ? [lagMs] : [])),
    served: calls.filter(({ startedAtMs }) => !isAfter(startedAtMs)).length,
    nextStatus: next.status,
    refusedInMs: next.durationMs,
  }
}
