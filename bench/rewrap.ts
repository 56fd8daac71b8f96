/**
 * Ten thousand records moved from a KEK in AWS KMS to one in Azure Key Vault while agents make 100 requests a second and the process
 * that carries the job out is killed (`kill -9`) three times. Run: `npm run bench:rewrap -- [--records 10000]
 * [--kills 3] [--rate 100] [--records-per-second 50] [--opened 10000]`. Prints the counts; ends with 1 when a request
 * failed, a record was left behind, or one was wrapped twice.
 */
import { parseArgs } from 'node:util'
import { measureRewrap } from './rewrap/measure.ts'
import { describeRewrap, faultsOfRewrap } from './rewrap/report.ts'

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '3' },
    rate: { type: 'string', default: '100' },
    'records-per-second': { type: 'string', default: '50' },
    opened: { type: 'string', default: '10000' },
  },
})
const run = await measureRewrap({
  records: Number(options.records),
  kills: Number(options.kills),
  requestsPerSecond: Number(options.rate),
  recordsPerSecondMax: Number(options['records-per-second']),
  openedAfterwards: Number(options.opened),
  onProgress: (line) => console.log(line),
})
console.log(describeRewrap(run))
const faults = faultsOfRewrap(run)
for (const fault of faults) console.log(`FAULT: ${fault}`)
console.log(
  faults.length === 0
    ? 'No request failed, no record was left behind, none was wrapped twice.'
    : `FAILED: ${faults.length} faults`,
)
process.exitCode = faults.length === 0 ? 0 : 1
