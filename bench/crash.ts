/**
 * `kill -9` of a real `bin/hasp serve` in strict mode, ten times, under 200 requests a second: does everything that the
 * provider and the customer's KMS saw stand in the ledger? Run: `npm run bench:crash -- [--kills 10] [--rate 200]`.
 * Ends with 1 when it does not.
 */
import { parseArgs } from 'node:util'
import { measureCrashes } from './crash/measure.ts'
import { describeRun, faultsOf } from './crash/report.ts'

const { values: options } = parseArgs({
  options: { kills: { type: 'string', default: '10' }, rate: { type: 'string', default: '200' } },
})
const run = await measureCrashes({
  kills: Number(options.kills),
  requestsPerSecond: Number(options.rate),
  upMsMin: 1000,
  upMsMax: 2500,
})
console.log(describeRun(run))
const faults = faultsOf(run)
for (const fault of faults.slice(0, 50)) console.log(`FAULT: ${fault}`)
console.log(
  faults.length === 0 ? 'Everything that was seen is in the ledger.' : `FAILED: ${faults.length} faults`,
)
process.exitCode = faults.length === 0 ? 0 : 1
