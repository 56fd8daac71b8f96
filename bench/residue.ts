/**
 * What is left of secrets in the memory of a real `bin/hasp serve` one second after its last request. Linux, and the
 * right to trace the processes that it starts. Run: `npm run bench:residue -- [--requests 1000] [--verbose]`.
 * Ends with 1 when a whole copy of a provider credential is found, or when the control finds none.
 * docs/residue.md says what is covered.
 */
import { parseArgs } from 'node:util'
import { runControl } from './residue/control.ts'
import { measureResidue } from './residue/measure.ts'
import { credentialCopies, describeFinding, tableHead, tableRow } from './residue/report.ts'

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    verbose: { type: 'boolean', default: false },
  },
})
const requests = Number(options.requests)
const rows: string[] = []
let failures = 0

const control = await runControl()
console.log('Control (a process that holds its credential as a string), whole copies found:', control.copies)
if (!control.isPassed) {
  console.log('The control has failed: this scan would not find what is there.')
  failures += 1
}

for (const mode of ['strict', 'cached'] as const) {
  for (const upstream of ['TCP', 'TLS'] as const) {
    const measurement = await measureResidue({ mode, upstream, requests })
    rows.push(tableRow(measurement))
    console.log(`${mode}, upstream over ${upstream}:`, measurement.load)
    const copies = credentialCopies(measurement)
    const shown = options.verbose
      ? [...measurement.afterStoring.findings, ...measurement.afterLoad.findings]
      : copies
    for (const finding of shown) console.log(describeFinding(finding))
    failures += copies.length
    if (measurement.lent < requests / 2) {
      console.log(
        `Only ${measurement.lent} requests reached a provider with its credential: this proves nothing.`,
      )
      failures += 1
    }
  }
}
console.log(`\nWhole copies: plain / base64 / other encodings.\n${tableHead}\n${rows.join('\n')}`)
console.log(failures === 0 ? '\nNo whole copy of any provider credential.' : `\nFAILED: ${failures}`)
process.exitCode = failures === 0 ? 0 : 1
