import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { createMetrics } from '#telemetry/metrics.ts'

/** Those that every Node.js process has, which the page speaks of as a whole. */
const ofTheProcess = /^hasp_(process|nodejs)_/

it('every metric of Hasp’s own is on the page for operators, with its label, and no other is', async () => {
  const page = await readFile(new URL('../../docs/docker.md', import.meta.url), 'utf8')
  const registry = createMetrics({
    proxy: {
      refusals: new Map([['internal', 1]]),
      ends: new Map([['completed', 1]]),
      unwrapsFresh: 1,
      unwrapsReused: 1,
      staleDecisions: 0,
    },
    callsInFlight: () => 0,
    bodyBytesHeld: () => 0,
    outcomesLost: () => 0,
    databaseConnections: () => ({ total: 0, idle: 0, waiting: 0 }),
  })
  const metrics = await registry.getMetricsAsJSON()
  const offered = metrics.flatMap(({ name, values }) => {
    const labels = Object.keys(values[0]?.labels ?? {}).join()
    return ofTheProcess.test(name) ? [] : [labels === '' ? name : `${name}{${labels}}`]
  })
  const told = [...page.matchAll(/`(hasp_\w+(?:\{\w+\})?)`/g)].flatMap(([, name = '']) =>
    ofTheProcess.test(name) ? [] : [name],
  )
  expect(told.toSorted()).toEqual(offered.toSorted())
})
