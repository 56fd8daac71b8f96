import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from '../plan.ts'
import type { Entrance, System, SystemName } from '../system.ts'
import { cpuMicroseconds, residentBytes } from './process-usage.ts'
import { openStream, type OpenStream } from './open-stream.ts'

/** A system with this many slow streams (one event each 200 ms) running through it. */
export type StreamSample = Readonly<{
  system: SystemName
  streams: number
  residentBytes: number
  /** Share of its core. */
  utilisation: number
  /** From the request to the first byte of the first event. */
  firstByteP50Us: number
  firstByteP99Us: number
  /** Events received for each stream and second, out of 5. */
  eventsPerSecond: number
}>

export async function measureStreams({
  plan,
  systems,
}: Readonly<{ plan: Plan; systems: readonly System[] }>): Promise<StreamSample[]> {
  const samples: StreamSample[] = []
  for (const system of systems) {
    if (system.stream === undefined) continue
    // Once unmeasured: the code is compiled, and the process has taken the memory that it will keep.
    await holdStreams(system, system.stream, plan.streams.few, plan)
    for (const count of [plan.streams.few, plan.streams.many]) {
      samples.push(await holdStreams(system, system.stream, count, plan))
    }
  }
  return samples
}

async function holdStreams(
  system: System,
  entrance: Entrance,
  count: number,
  { streams: { opensPerSecond, holdMs } }: Plan,
): Promise<StreamSample> {
  const streams: OpenStream[] = []
  const startedAt = performance.now()
  for (let index = 0; index < count; index++) {
    const dueInMs = startedAt + (index * 1000) / opensPerSecond - performance.now()
    if (dueInMs > 1) await sleep(dueInMs)
    streams.push(openStream(entrance))
  }
  const firstBytesUs = (await Promise.all(streams.map((stream) => stream.firstByteUs))).sort((a, b) => a - b)
  const bytesBefore = received(streams)
  const cpuBefore = cpuMicroseconds(system.pid)
  await sleep(holdMs)
  const sample: StreamSample = {
    system: system.name,
    streams: count,
    residentBytes: residentBytes(system.pid),
    utilisation: (cpuMicroseconds(system.pid) - cpuBefore) / (holdMs * 1000),
    firstByteP50Us: percentile(firstBytesUs, 0.5),
    firstByteP99Us: percentile(firstBytesUs, 0.99),
    eventsPerSecond: (received(streams) - bytesBefore) / count / (holdMs / 1000),
  }
  for (const stream of streams) stream.close()
  await sleep(500)
  console.log(
    `streams  ${system.name.padEnd(12)} ${count}: ${Math.round(sample.residentBytes / 1e6)} MB, ` +
      `${Math.round(sample.utilisation * 100)} % of a core, ` +
      `first byte p50 ${Math.round(sample.firstByteP50Us)} µs, ` +
      `${sample.eventsPerSecond.toFixed(2)} events/s each`,
  )
  return sample
}

function received(streams: readonly OpenStream[]): number {
  return streams.reduce((sum, stream) => sum + stream.eventsReceived(), 0)
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN
}
