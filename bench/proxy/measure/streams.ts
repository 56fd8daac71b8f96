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
  for (const { name, stream } of systems) {
    if (stream === undefined) continue
    // Once unmeasured: what is loaded and compiled at the first use is no part of what a stream takes.
    await holdStreams(name, stream, plan.streams.few, plan)
    for (const count of [plan.streams.few, plan.streams.many]) {
      const sample = await holdStreams(name, stream, count, plan)
      samples.push(sample)
      report(sample)
    }
  }
  return samples
}

async function holdStreams(
  system: SystemName,
  stream: Entrance & Readonly<{ pid: number }>,
  count: number,
  { streams: { opensPerSecond, holdMs } }: Plan,
): Promise<StreamSample> {
  const streams: OpenStream[] = []
  const startedAt = performance.now()
  for (let index = 0; index < count; index++) {
    const dueInMs = startedAt + (index * 1000) / opensPerSecond - performance.now()
    if (dueInMs > 1) await sleep(dueInMs)
    streams.push(openStream(stream))
  }
  const firstBytesUs = (await Promise.all(streams.map((one) => one.firstByteUs))).sort((a, b) => a - b)
  const eventsBefore = received(streams)
  const cpuBefore = cpuMicroseconds(stream.pid)
  const heldFrom = performance.now()
  await sleep(holdMs)
  const heldMs = performance.now() - heldFrom
  const sample: StreamSample = {
    system,
    streams: count,
    residentBytes: residentBytes(stream.pid),
    utilisation: (cpuMicroseconds(stream.pid) - cpuBefore) / (heldMs * 1000),
    firstByteP50Us: percentile(firstBytesUs, 0.5),
    firstByteP99Us: percentile(firstBytesUs, 0.99),
    eventsPerSecond: (received(streams) - eventsBefore) / count / (heldMs / 1000),
  }
  for (const one of streams) one.close()
  await sleep(500)
  return sample
}

function report(sample: StreamSample): void {
  console.log(
    `streams  ${sample.system.padEnd(12)} ${sample.streams}: ${Math.round(sample.residentBytes / 1e6)} MB, ` +
      `${Math.round(sample.utilisation * 100)} % of a core, ` +
      `first byte p50 ${Math.round(sample.firstByteP50Us)} µs, ` +
      `${sample.eventsPerSecond.toFixed(2)} events/s each`,
  )
}

function received(streams: readonly OpenStream[]): number {
  return streams.reduce((sum, stream) => sum + stream.eventsReceived(), 0)
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN
}
