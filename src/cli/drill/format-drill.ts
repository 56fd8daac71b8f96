import type { Drill, Kek } from '#cli/api/replies.ts'
import { formatDetails } from '#cli/output/table.ts'
import { moment, span } from '#cli/output/words.ts'

const verdicts: Readonly<Record<Drill['measure']['verdict'], string>> = {
  within: 'within the bound',
  exceeded: 'EXCEEDED: it took longer than the bound says',
  unknown: 'not known: canaries were not refused while the drill ran',
}

/** What a drill measured, for people. */
export function formatDrill(drill: Drill, kek: Pick<Kek, 'name' | 'revocationBound'>): string {
  const { measure } = drill
  const { lastSuccess, firstRefusal, firstSuccessAgain } = measure
  const lines = formatDetails([
    ['Drill', drill.id],
    ['KEK', `${kek.name}, mode ${drill.unwrapMode}`],
    ['Canaries', `${measure.served} served, ${measure.refused} refused, ${measure.unanswered} unanswered`],
    ['Withdrawn', moment(drill.withdrawnAt)],
    ['Last success', `${seconds(lastSuccess?.afterMs)} later${requestOf(lastSuccess)}`],
    ['First refusal', `${seconds(firstRefusal?.afterMs)} later${requestOf(firstRefusal)}`],
    [
      'Held here',
      `an answer of the KMS for at most ${seconds(measure.heldMsMax)} (bound ${seconds(drill.haspMs)})`,
    ],
    ['Restored', moment(drill.restoredAt)],
    ['Served again', `${seconds(firstSuccessAgain?.afterMs)} later${requestOf(firstSuccessAgain)}`],
    ['Bound', `${span(drill.boundMs)} (the cloud: ${kek.revocationBound.cloud.usually})`],
    ['Verdict', verdicts[measure.verdict]],
    ...(drill.state === 'finished' ? [] : [['Ended', drill.state] as const]),
  ])
  if (!measure.isMarkedLate) return lines
  return `${lines}\n\nCanaries were refused before the withdrawal was marked: the figures are shorter than the truth. Your cloud's own log has the time of its answer.`
}

/** To a hundredth, which is finer than canaries come. */
export function seconds(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '—' : `${(ms / 1000).toFixed(2)} s`
}

function requestOf(call: { kmsRequestId: string | null } | null): string {
  return call?.kmsRequestId == null ? '' : `  (KMS request ${call.kmsRequestId})`
}
