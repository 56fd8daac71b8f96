/**
 * Two organisations on one Hasp, both in mode strict, each with a key in an AWS account of its own and 50 requests a
 * second that do not wait for each other. The KMS of A gets slow, then slower than any limit, then throttles: what
 * becomes of B? Stormy and quiet phases take turns, so that whatever else the machine does hits both; a control
 * phase without a storm tells the noise.
 * Run: `npm run bench:isolation [-- ROUNDS]` (4). Exit code 1 when B lost a request, or its p99 changed by more than
 * the noise.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startScene } from './isolation/start-scene.ts'
import { setWeather } from './isolation/weather.ts'
import { startLoad, type LoadResult } from './rewrap/load.ts'

const rounds = Number(process.argv[2] ?? 4)
const requestsPerSecond = 50
const phaseMs = 12_000
const warmUpMs = 4_000
/** Between the p99 of phases that nothing tells apart, at the least; the control says what it is here and now. */
const noiseRatioMin = 1.3

const control = { name: 'nothing (control)', latencyMs: 0, isThrottled: false } as const
const storms = [
  control,
  { name: 'latency 200 ms', latencyMs: 200, isThrottled: false },
  { name: 'latency 5 s', latencyMs: 5_000, isThrottled: false },
  { name: 'throttling', latencyMs: 0, isThrottled: true },
] as const
type Phase = Readonly<{ a: LoadResult; b: LoadResult }>

await using stack = new AsyncDisposableStack()
const scene = await startScene(stack)
await runPhase(warmUpMs)
const measured = storms.map((storm) => ({ storm, quiet: [] as Phase[], stormy: [] as Phase[] }))
for (let round = 1; round <= rounds; round += 1) {
  for (const { storm, quiet, stormy } of measured) {
    const beQuiet = async () => {
      await setWeather(scene.awsUrl, { key: '', latencyMs: 0, isThrottled: false })
      quiet.push(await runPhase(phaseMs))
    }
    const beStormy = async () => {
      await setWeather(scene.awsUrl, { ...storm, key: scene.a.keyArn })
      stormy.push(await runPhase(phaseMs))
    }
    // Neither is always first.
    for (const phase of round % 2 === 0 ? [beQuiet, beStormy] : [beStormy, beQuiet]) await phase()
  }
  console.error(`${round} of ${rounds} rounds`)
}
process.exitCode = report() ? 0 : 1

async function runPhase(ms: number): Promise<Phase> {
  const open = ({ virtualKey }: { virtualKey: string }) =>
    startLoad({
      url: scene.haspUrl,
      virtualKey,
      requestsPerSecond,
      targetOf: () => 'openai',
      connections: 1_024,
    })
  await using a = open(scene.a)
  await using b = open(scene.b)
  await sleep(ms)
  const [ofA, ofB] = await Promise.all([a.stop(), b.stop()])
  return { a: ofA, b: ofB }
}

function report(): boolean {
  const rows = measured.map(({ storm, quiet, stormy }) => {
    const before = { p50: medianOf(quiet, 'p50'), p99: medianOf(quiet, 'p99') }
    const during = { p50: medianOf(stormy, 'p50'), p99: medianOf(stormy, 'p99') }
    const lost = [...quiet, ...stormy].reduce((sum, { b }) => sum + b.sent - b.answered, 0)
    return { storm, stormy, before, during, lost, ratio: during.p99 / before.p99 }
  })
  const alike = rows.find(({ storm }) => storm === control)?.ratio ?? Number.NaN
  const noiseRatio = Math.max(noiseRatioMin, 1.25 * alike, 1.25 / alike)
  console.log('B, while the KMS of A has …   quiet p50   p99    p50   p99    ratio p50   p99   B lost')
  for (const { storm, before, during, lost, ratio } of rows) {
    const cells = [before.p50, before.p99, during.p50, during.p99].map((ms) => ms.toFixed(1).padStart(7))
    const ratios = [during.p50 / before.p50, ratio].map((value) => value.toFixed(2).padStart(7))
    console.log(`${storm.name.padEnd(30)}${[...cells, ...ratios, String(lost).padStart(7)].join(' ')}`)
  }
  for (const { storm, stormy } of rows) {
    const answered = stormy.reduce((sum, { a }) => sum + a.answered, 0)
    const sent = stormy.reduce((sum, { a }) => sum + a.sent, 0)
    console.log(`A under ${storm.name}: ${answered} of ${sent} answered; ${failuresOf(stormy)}`)
  }
  console.log(`Milliseconds; the median of ${rounds} rounds. Noise: a ratio of ${noiseRatio.toFixed(2)}.`)
  return rows.length > 0 && rows.every(({ lost, ratio }) => lost === 0 && ratio <= noiseRatio)
}

function medianOf(phases: readonly Phase[], which: 'p50' | 'p99'): number {
  const sorted = phases.map(({ b }) => b.latencyMs[which]).toSorted((x, y) => x - y)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

function failuresOf(phases: readonly Phase[]): string {
  const counts = new Map<string, number>()
  for (const { a } of phases) {
    for (const [how, count] of Object.entries(a.failures)) counts.set(how, (counts.get(how) ?? 0) + count)
  }
  return [...counts].map(([how, count]) => `${count} × ${how}`).join(', ') || 'none failed'
}
