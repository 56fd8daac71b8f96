/**
 * Disables a KEK under load, over and over, in mode strict with an AWS that acts at once, and counts what still
 * reaches the provider: nothing that was started after DisableKey's answer may.
 * Run: `npm run bench:revocation [-- TRIALS]`. Exit code 1 when anything did.
 */
import { Caller } from './revocation/background-load.ts'
import { runTrial, type Trial } from './revocation/run-trial.ts'
import { startScene } from './revocation/start-scene.ts'

const trialsWanted = Number(process.argv[2] ?? 1_000)

await using stack = new AsyncDisposableStack()
const scene = await startScene(stack)
const caller = stack.adopt(new Caller(scene), (one) => one.close())
await caller.call()

const trials: Trial[] = []
const startedAtMs = performance.now()
for (let trial = 1; trial <= trialsWanted; trial += 1) {
  trials.push(await runTrial(scene, caller))
  if (trial % 100 === 0) console.error(`${trial} of ${trialsWanted} trials`)
}
const isHeld = report(trials, (performance.now() - startedAtMs) / 1000)
process.exitCode = isHeld ? 0 : 1

function report(trials: readonly Trial[], seconds: number): boolean {
  const sum = (of: (trial: Trial) => number) => trials.reduce((total, trial) => total + of(trial), 0)
  const lagsMs = trials.flatMap((trial) => trial.lagsMs)
  const refusedInMs = trials.map((trial) => trial.refusedInMs)
  const notRefused = trials.filter((trial) => trial.nextStatus !== 403).length
  const reached = sum((trial) => trial.startedAfterReached)
  const rows: [string, string | number][] = [
    ['trials (DisableKey under load, then a call at once)', trials.length],
    ['the call at once was not refused with 403', notRefused],
    ['calls started after DisableKey’s answer', sum((trial) => trial.startedAfter)],
    ['… of them reached the provider', reached],
    ['calls started before it that were served', sum((trial) => trial.served)],
    ['… of them reached the provider after the answer (unwrap past)', lagsMs.length],
    ['… largest lag of those', `${Math.max(0, ...lagsMs)} ms`],
    ['refusal of the call at once: median', milliseconds(quantile(refusedInMs, 0.5))],
    ['refusal of the call at once: 99 %', milliseconds(quantile(refusedInMs, 0.99))],
    ['refusal of the call at once: longest', milliseconds(quantile(refusedInMs, 1))],
    ['time', `${seconds.toFixed(0)} s`],
  ]
  for (const [name, value] of rows) console.log(`${name.padEnd(66)}${String(value).padStart(10)}`)
  return reached === 0 && notRefused === 0 && trials.length > 0
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
