import type { Plan } from '../plan.ts'
import type { System, SystemName } from '../system.ts'
import type { LoadTool } from './load.ts'
import { cpuMicroseconds, residentBytes } from './process-usage.ts'

/** One system at one number of connections in one round. CPU and latencies in microseconds. */
export type Sample = Readonly<{
  round: number
  system: SystemName
  connections: number
  requestsPerSecond: number
  p50Us: number
  p99Us: number
  /** Of the system's own processes, for each request. */
  cpuUs: number
  /** Share of its core that the system used. */
  utilisation: number
  asides: Readonly<Record<string, number>>
  residentBytes: number
  failures: number
}>

type Work = Readonly<{ plan: Plan; systems: readonly System[]; loadTool: LoadTool }>

/** Every system in every round, one after another, in an order that shifts from round to round. */
export async function measureRounds({ plan, systems, loadTool }: Work): Promise<Sample[]> {
  const most = Math.max(...plan.connections)
  for (const { json } of systems) await loadTool.run(json, most, plan.warmUpSeconds)
  const samples: Sample[] = []
  for (let round = 0; round < plan.rounds; round++) {
    for (const connections of plan.connections) {
      for (const system of rotated(systems, round)) {
        const sample = await measure(system, connections, { plan, systems, loadTool }, round)
        samples.push(sample)
        report(sample)
      }
    }
  }
  return samples
}

async function measure(
  system: System,
  connections: number,
  { plan, loadTool }: Work,
  round: number,
): Promise<Sample> {
  const pids = [system.pid, ...system.asides.map((aside) => aside.pid)]
  const before = pids.map(cpuMicroseconds)
  const load = await loadTool.run(system.json, connections, plan.seconds)
  const [own = Number.NaN, ...ofAsides] = pids.map(
    (pid, index) => cpuMicroseconds(pid) - (before[index] ?? 0),
  )
  const perRequest = (cpuUs: number) => cpuUs / load.requests
  return {
    round,
    system: system.name,
    connections,
    requestsPerSecond: (load.requests / load.durationUs) * 1e6,
    p50Us: load.p50Us,
    p99Us: load.p99Us,
    cpuUs: perRequest(own),
    utilisation: own / load.durationUs,
    asides: Object.fromEntries(
      system.asides.map(({ name }, index) => [name, perRequest(ofAsides[index] ?? Number.NaN)]),
    ),
    residentBytes: residentBytes(system.pid),
    failures: load.failures,
  }
}

function report(sample: Sample): void {
  const { round, system, connections, requestsPerSecond, cpuUs, utilisation, p50Us, p99Us, failures } = sample
  const asides = Object.entries(sample.asides).map(([name, us]) => `${name} ${us.toFixed(1)}`)
  console.log(
    [
      `round ${round + 1}`,
      system.padEnd(12),
      `c=${connections}`.padEnd(5),
      `${Math.round(requestsPerSecond)}/s`.padStart(9),
      `${cpuUs.toFixed(1)} µs CPU (${Math.round(utilisation * 100)} % of a core)`.padEnd(32),
      `p50 ${p50Us} p99 ${p99Us} µs`,
      ...asides,
      ...(failures > 0 ? [`${failures} FAILED`] : []),
    ].join('  '),
  )
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = by % Math.max(items.length, 1)
  return [...items.slice(at), ...items.slice(0, at)]
}
