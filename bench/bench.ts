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
const loadTool = await findLoadTool(stack)
console.log(`Load: ${loadTool.name}. Starting the systems …`)
const { systems, skipped } = await startSystems(stack, options.only?.split(','))
for (const reason of skipped) console.log(`Left out: ${reason}`)

// Streams first: after the load, memory that it left behind would take them in unnoticed.
const streams = await measureStreams({ plan, systems })
const samples = await measureRounds({ plan, systems, loadTool })
const machine = await describeMachine(loadTool.name)
const results = { startedAt: startedAt.toISOString(), plan, machine, skipped, samples, streams }

const markdown = markdownOf(results)
const aims = aimsOf(results)
console.log(`\n${markdown}\n`)
await mkdir(resultsDir, { recursive: true })
const file = new URL(`proxy-${startedAt.toISOString().replaceAll(':', '-')}.json`, resultsDir)
await writeFile(file, JSON.stringify({ ...results, aims }, null, 2))
console.log(`All figures: ${file.pathname}`)
if (options['write-docs']) await writeDocs(markdown)
