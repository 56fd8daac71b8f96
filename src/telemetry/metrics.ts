import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'

/** Where the numbers come from; read when somebody scrapes, so that requests pay nothing for it. */
export type MetricSources = Readonly<{
  proxy: Readonly<{
    refusals: ReadonlyMap<string, number>
    ends: ReadonlyMap<string, number>
    unwrapsFresh: number
    unwrapsReused: number
    staleDecisions: number
  }>
  callsInFlight: () => number
  bodyBytesHeld: () => number
  outcomesLost: () => number
  databaseConnections: () => Readonly<{ total: number; idle: number; waiting: number }>
}>

/** The registry behind `/metrics` (Prometheus text). No label holds an id, a name of an organisation, or a model. */
export function createMetrics(sources: MetricSources): Registry {
  const register = new Registry()
  collectDefaultMetrics({ register, prefix: 'hasp_' })
  const counter = (
    name: string,
    help: string,
    label: string | undefined,
    read: () => Iterable<[string, number]>,
  ) => {
    const metric: Counter = new Counter({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [register],
      collect: () => {
        metric.reset()
        for (const [value, count] of read()) {
          if (label === undefined) metric.inc(count)
          else metric.inc({ [label]: value }, count)
        }
      },
    })
  }
  const gauge = (name: string, help: string, read: () => number) => {
    const metric: Gauge = new Gauge({ name, help, registers: [register], collect: () => metric.set(read()) })
  }
  const { proxy } = sources
  counter('hasp_proxy_calls_total', 'Calls that had a receipt, by how they ended.', 'end', () => proxy.ends)
  counter(
    'hasp_proxy_refusals_total',
    'Requests that Hasp refused itself, by code.',
    'code',
    () => proxy.refusals,
  )
  counter('hasp_proxy_unwraps_total', 'Calls by whether the KMS was asked for them.', 'freshness', () => [
    ['fresh', proxy.unwrapsFresh],
    ['reused', proxy.unwrapsReused],
  ])
  counter(
    'hasp_proxy_stale_decisions_total',
    'Decisions made anew because the organisation changed.',
    undefined,
    () => [['', proxy.staleDecisions]],
  )
  counter(
    'hasp_ledger_outcomes_lost_total',
    'Outcomes of calls that could not be written.',
    undefined,
    () => [['', sources.outcomesLost()]],
  )
  gauge('hasp_proxy_calls_in_flight', 'Calls between receipt and end.', sources.callsInFlight)
  gauge('hasp_proxy_body_bytes_held', 'Request bodies in memory.', sources.bodyBytesHeld)
  gauge('hasp_database_connections', 'Connections to PostgreSQL.', () => sources.databaseConnections().total)
  gauge(
    'hasp_database_connections_idle',
    'Connections to PostgreSQL that wait for work.',
    () => sources.databaseConnections().idle,
  )
  gauge(
    'hasp_database_connections_waited_for',
    'Work that waits for a connection.',
    () => sources.databaseConnections().waiting,
  )
  return register
}
