import type { LoadResult } from './load.ts'
import type { RewrapRun } from './measure.ts'

/** What of a run must not be; empty when all holds. */
export function faultsOfRewrap(run: RewrapRun): string[] {
  const { records, counts, job, load, openedAfterwards } = run
  const faults = [
    ...failuresOf(load).map((failure) => `while the job ran: ${failure}`),
    ...failuresOf(openedAfterwards).map((failure) => `after the old KEK was retired: ${failure}`),
  ]
  if (job.state !== 'finished') faults.push(`the job is ${job.state}`)
  if (counts.underOld !== 0) faults.push(`${counts.underOld} records were left behind`)
  if (counts.underNew !== records)
    faults.push(`${counts.underNew} of ${records} records are under the new KEK`)
  if (counts.rewrappedTwice !== 0) faults.push(`${counts.rewrappedTwice} records were moved twice`)
  if (counts.rewraps !== records || counts.rewrappedRecords !== records)
    faults.push(`the ledger tells of ${counts.rewraps} moves of ${counts.rewrappedRecords} records`)
  if (job.recordsDone !== records) faults.push(`the job counted ${job.recordsDone} records`)
  if (run.wrongCredentials !== 0) faults.push(`${run.wrongCredentials} requests carried another credential`)
  if (load.answered === 0) faults.push('no request was answered: this proves nothing')
  return faults
}

export function describeRewrap(run: RewrapRun): string {
  const { counts, load, openedAfterwards, kills, job } = run
  const wasted = counts.unwrapsIntended - counts.rewraps
  return [
    `${run.records} records, from AWS KMS to Azure Key Vault; the process of the job killed ${kills.length} times, at ${kills.map((kill) => kill.recordsDone).join(', ')} records`,
    `job ${job.state} in ${(run.jobMs / 1000).toFixed(1)} s: done ${job.recordsDone}, failed ${job.recordsFailed}`,
    `under the old KEK: ${counts.underOld}; under the new one: ${counts.underNew}`,
    `moves in the ledger: ${counts.rewraps}, of ${counts.rewrappedRecords} different records; moved twice: ${counts.rewrappedTwice}`,
    `unwraps that the job announced: ${counts.unwrapsIntended} (${wasted} lost with a killed process)`,
    `while it ran: ${describeLoad(load)}`,
    ...describeParts(load),
    `after the old KEK was retired: ${describeLoad(openedAfterwards)}`,
  ].join('\n')
}

function describeLoad(load: LoadResult): string {
  const failed = load.sent - load.answered
  return `${load.sent} requests, ${load.answered} answered, ${failed} failed; ${describeLatency(load.latencyMs)}`
}

function describeParts({ parts }: LoadResult): string[] {
  return Object.entries(parts)
    .filter(([, { answered }]) => answered > 0)
    .map(
      ([part, { answered, latencyMs }]) => `- ${part}: ${answered} answered; ${describeLatency(latencyMs)}`,
    )
}

function describeLatency({ p50, p99, max }: LoadResult['latencyMs']): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(0)} ms`
}

function failuresOf(load: LoadResult): string[] {
  return Object.entries(load.failures).map(([how, count]) => `${count} × ${how}`)
}
