/**
 * The proxy beside its peers, in one run: requests per second, CPU time per request, added latency, memory under slow
 * streams. Run: `node bench/bench.ts [--quick] [--write-docs] [--only cached,nginx]`. docs/performance.md says how to
 * read it; all figures go to bench/results/.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { pinThisProcess } from './proxy/cpus.ts'
import { describeMachine } from './proxy/machine.ts'
import { findLoadTool } from './proxy/measure/load.ts'
import { measureRounds } from './proxy/measure/rounds.ts'
import { measureStreams } from './proxy/measure/streams.ts'
import { fullPlan, quickPlan } from './proxy/plan.ts'
import { aimsOf } from './proxy/report/aims.ts'
import type { Results } from './proxy/report/results.ts'
import { markdownOf } from './proxy/report/tables.ts'
import { writeDocs } from './proxy/report/write-docs.ts'
import { startSystems } from './proxy/start-systems.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})
const plan = options.quick ? quickPlan : fullPlan
const resultsDir = new URL('results/', import.meta.url)

const startedAt = new Date()
pinThisProcess()
await using stack = new AsyncDisposableStack()
const results = await Promise.race([measure(stack), stopSignal()])

const markdown = markdownOf(results)
console.log(`\n${markdown}\n`)
await mkdir(resultsDir, { recursive: true })
const file = new URL(`proxy-${results.startedAt.replaceAll(':', '-')}.json`, resultsDir)
await writeFile(file, JSON.stringify({ ...results, aims: aimsOf(results) }, null, 2))
console.log(`All figures: ${file.pathname}`)
if (options['write-docs']) await writeDocs(markdown)

async function measure(stack: AsyncDisposableStack): Promise<Results> {
  const loadTool = await findLoadTool(stack)
  console.log(`Load: ${loadTool.name}. Starting the systems …`)
  const { systems, skipped } = await startSystems(stack, options.only?.split(','))
  for (const reason of skipped) console.log(`Left out: ${reason}`)
  // Streams first: after the load, memory that it left behind would take them in unnoticed.
  const streams = await measureStreams({ plan, systems })
  const samples = await measureRounds({ plan, systems, loadTool })
  const machine = await describeMachine(loadTool.name)
  return { startedAt: startedAt.toISOString(), plan, machine, skipped, samples, streams }
}

/** Rejects when somebody stops the run, so that the stack takes down everything that was started. */
function stopSignal(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`Stopped by ${signal}.`)))
    }
  })
}
