import type { CrashRun } from './measure.ts'

/** What of a run must not be; empty when all holds. */
export function faultsOf({ comparison, seen, kills, isPostgresTheSame }: CrashRun): string[] {
  const { withoutReceipt, sentTwice, withoutIntent, unfounded } = comparison
  const faults = [
    ...withoutReceipt.map((model) => `${model} reached the provider and has no receipt`),
    ...sentTwice.map((model) => `${model} reached the provider more often than its receipts say`),
    ...withoutIntent.map((id) => `Decrypt ${id} was neither intended nor receipted`),
    ...unfounded.map((model) => `the receipt of ${model} names a Decrypt or an intent that is not there`),
  ]
  if (seen === 0) faults.push('no request reached the provider: this proves nothing')
  if (kills.some(({ inFlight }) => inFlight === 0)) faults.push('a kill met no request under way')
  if (!isPostgresTheSame) faults.push('PostgreSQL did not survive to be adopted')
  return faults
}

export function describeRun(run: CrashRun): string {
  const { kills, load, seen, receipts, decrypts, intents, comparison } = run
  const lines = kills.map(
    ({ inFlight, answeredSinceStart, downMs }, index) =>
      `kill ${index + 1}: ${inFlight} requests under way, ${answeredSinceStart} answered since the start; back after ${downMs} ms`,
  )
  return [
    ...lines,
    `requests sent: ${load.sent} (answered ${load.answered}, refused ${load.refused}, broken by a kill or while down ${load.broken})`,
    `requests that the provider saw: ${seen}; receipts in the database: ${receipts}`,
    `  of the seen, without a receipt: ${comparison.withoutReceipt.length}`,
    `Decrypts in the customer's trail: ${decrypts}; intents in the database: ${intents}`,
    `  Decrypts that a receipt names: ${comparison.decryptsNamedByReceipt}, only an intent: ${comparison.decryptsMatchedByIntent}, nothing: ${comparison.withoutIntent.length}`,
  ].join('\n')
}
