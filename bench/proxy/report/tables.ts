import { streamEvent } from '../exchange.ts'
import { labels, systemNames, type SystemName } from '../system.ts'
import { aimsOf } from './aims.ts'
import { comparedOf, spreadOf, type Results, type Spread } from './results.ts'

/** The run as Markdown: for the terminal and, between its marks, for docs/performance.md. */
export function markdownOf(results: Results): string {
  return [
    headingOf(results),
    throughputTable(results),
    latencyTable(results),
    asidesTable(results),
    streamsTable(results),
    aimsTable(results),
  ].join('\n\n')
}

function headingOf({ startedAt, plan, machine, skipped }: Results): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  const place = machine.isPinned
    ? 'system under test alone on core 1, all else on core 0'
    : 'nothing pinned to a core'
  return [
    `Run of ${startedAt.slice(0, 10)} (${plan.name}): ${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, ` +
      `Linux ${machine.kernel}; ${versions.join(', ')}. ${place}; load by ${machine.loadTool}; ` +
      `${plan.rounds} rounds of ${plan.seconds} s each; load average at the end ${machine.loadAverage.toFixed(1)}.`,
    ...skipped.map((reason) => `Left out: ${reason}.`),
  ].join('\n')
}

function throughputTable(results: Results): string {
  const most = mostOf(results)
  const base: SystemName = measured(results).includes('nginx') ? 'nginx' : 'pass-through'
  return tableOf(
    `${most} connections, JSON of 570 bytes. Ratios within a round, median [least – most].`,
    [
      'System',
      'requests/s',
      'of its core',
      'CPU µs/request',
      `CPU ÷ ${base}`,
      'p50 ms',
      'p99 ms',
      'RSS MB',
      'failed',
    ],
    measured(results).map((system) => {
      const of = (value: Parameters<typeof spreadOf>[3]) => spreadOf(results, system, most, value)
      return [
        labels[system],
        digits(of((one) => one.requestsPerSecond)),
        digits(
          of((one) => one.utilisation * 100),
          0,
          ' %',
        ),
        digits(
          of((one) => one.cpuUs),
          1,
        ),
        withRange(comparedOf(results, [system, base], most, (one, other) => one.cpuUs / other.cpuUs)),
        digits(
          of((one) => one.p50Us / 1000),
          2,
        ),
        digits(
          of((one) => one.p99Us / 1000),
          1,
        ),
        digits(of((one) => one.residentBytes / 1e6)),
        digits(of((one) => one.failures)),
      ]
    }),
  )
}

function latencyTable(results: Results): string {
  const { connections } = results.plan
  return tableOf(
    'Latency added to the upstream’s own at the same number of connections, µs (p50 / p99), and CPU µs/request.',
    ['System', ...connections.flatMap((count) => [`c=${count} added`, `c=${count} CPU`])],
    measured(results)
      .filter((system) => system !== 'direct')
      .map((system) => [
        labels[system],
        ...connections.flatMap((count) => {
          const added = (value: 'p50Us' | 'p99Us') =>
            digits(comparedOf(results, [system, 'direct'], count, (one, base) => one[value] - base[value]))
          const cpu = digits(
            spreadOf(results, system, count, (one) => one.cpuUs),
            1,
          )
          return [`${added('p50Us')} / ${added('p99Us')}`, cpu]
        }),
      ]),
  )
}

function asidesTable(results: Results): string {
  const names = [...new Set(results.samples.flatMap((sample) => Object.keys(sample.asides)))]
  const most = mostOf(results)
  const hasps = measured(results).filter((system) =>
    results.samples.some((one) => one.system === system && Object.keys(one.asides).length > 0),
  )
  return tableOf(
    `CPU that other processes spend for Hasp, µs/request at ${most} connections.`,
    ['System', ...names],
    hasps.map((system) => [
      labels[system],
      ...names.map((name) =>
        digits(
          spreadOf(results, system, most, (one) => one.asides[name] ?? Number.NaN),
          1,
        ),
      ),
    ]),
  )
}

function streamsTable({ streams, plan: { streams: counts } }: Results): string {
  const systems = [...new Set(streams.map((sample) => sample.system))]
  return tableOf(
    `Slow streams: ${counts.many} at once, one event of ${streamEvent.length} bytes each 200 ms. Memory per stream is the difference from ${counts.few} streams.`,
    [
      'System',
      'RSS MB',
      'KB per stream',
      'of its core',
      'first byte p50 µs',
      'p99 µs',
      'events/s per stream (5 sent)',
    ],
    systems.flatMap((system) => {
      const [few, many] = [counts.few, counts.many].map((count) =>
        streams.find((sample) => sample.system === system && sample.streams === count),
      )
      if (few === undefined || many === undefined) return []
      const perStream = (many.residentBytes - few.residentBytes) / (counts.many - counts.few) / 1000
      return [
        [
          labels[system],
          (many.residentBytes / 1e6).toFixed(0),
          perStream.toFixed(1),
          `${Math.round(many.utilisation * 100)} %`,
          many.firstByteP50Us.toFixed(0),
          many.firstByteP99Us.toFixed(0),
          many.eventsPerSecond.toFixed(2),
        ],
      ]
    }),
  )
}

function aimsTable(results: Results): string {
  return tableOf(
    'Aims.',
    ['What', 'Measured', 'Aim', ''],
    aimsOf(results).map(({ what, measured, aim, isMet }) => [
      what,
      withRange(measured),
      aim,
      measured === undefined ? 'not measured' : isMet ? 'met' : '**not met**',
    ]),
  )
}

function measured({ samples }: Results): SystemName[] {
  return systemNames.filter((name) => samples.some((sample) => sample.system === name))
}

function mostOf({ plan }: Results): number {
  return Math.max(...plan.connections)
}

function digits(spread: Spread | undefined, fraction = 0, unit = ''): string {
  return spread === undefined ? '–' : `${spread.median.toFixed(fraction)}${unit}`
}

function withRange(spread: Spread | undefined): string {
  if (spread === undefined) return '–'
  const { median, min, max } = spread
  return `${median.toFixed(2)} [${min.toFixed(2)} – ${max.toFixed(2)}]`
}

function tableOf(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [caption, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
