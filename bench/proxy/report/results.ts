import type { Machine } from '../machine.ts'
import type { Sample } from '../measure/rounds.ts'
import type { StreamSample } from '../measure/streams.ts'
import type { Plan } from '../plan.ts'
import type { SystemName } from '../system.ts'

/** Everything that one run measured. */
export type Results = Readonly<{
  startedAt: string
  plan: Plan
  machine: Machine
  skipped: readonly string[]
  samples: readonly Sample[]
  streams: readonly StreamSample[]
}>

export type Spread = Readonly<{ median: number; min: number; max: number }>

/** One value of a system at one number of connections over the rounds; undefined when it was not measured. */
export function spreadOf(
  { samples }: Results,
  system: SystemName,
  connections: number,
  value: (sample: Sample) => number,
): Spread | undefined {
  return spread(samples.filter((one) => one.system === system && one.connections === connections).map(value))
}

/** How two systems compare, within each round: what slows a whole round down drops out. */
export function comparedOf(
  { samples }: Results,
  [system, base]: readonly [SystemName, SystemName],
  connections: number,
  compare: (sample: Sample, base: Sample) => number,
): Spread | undefined {
  const at = samples.filter((one) => one.connections === connections)
  const pairs = at
    .filter((one) => one.system === system)
    .flatMap((one) => {
      const other = at.find((sample) => sample.system === base && sample.round === one.round)
      return other === undefined ? [] : [compare(one, other)]
    })
  return spread(pairs)
}

function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [min] = sorted
  const max = sorted.at(-1)
  const upper = sorted[middle]
  const lower = sorted.length % 2 === 0 ? sorted[middle - 1] : upper
  if (min === undefined || max === undefined || upper === undefined || lower === undefined) return undefined
  return { median: (lower + upper) / 2, min, max }
}
