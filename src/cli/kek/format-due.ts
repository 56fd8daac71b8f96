import type { Cryptoperiod, DueRecord } from '#cli/api/replies.ts'
import { formatDetails, formatTable } from '#cli/output/table.ts'
import { moment, shellWord } from '#cli/output/words.ts'

type Remedy = Cryptoperiod['remedies'][number]
type Age = Cryptoperiod['ages']['wrap']
type DueItem = DueRecord['due'][number]

/** What is to be done about one KEK; `targets` are those to rotate, null where they are not known. */
export type ToDo = Readonly<{ kek: string; remedies: readonly Remedy[]; targets: readonly string[] | null }>

/** A KEK a line. */
export function formatPeriods(periods: readonly Cryptoperiod[], width: number): string {
  return formatTable<Cryptoperiod>(
    [
      { header: 'KEK', cell: (period) => period.name, widthMin: 12 },
      { header: 'STATE', cell: (period) => period.state },
      { header: 'WRAPS', cell: ({ ages }) => countsOf(ages.wrap) },
      { header: 'DEKS', cell: ({ ages }) => countsOf(ages.dek) },
      { header: 'CREDENTIALS', cell: ({ ages }) => countsOf(ages.credential) },
      {
        header: 'HAS WRAPPED',
        cell: ({ wraps, wrapsMax }) => (wrapsMax === null ? String(wraps) : `${wraps} of ${wrapsMax}`),
      },
    ],
    periods,
    width,
  )
}

/** Everything about one KEK's periods. */
export function formatPeriod({ name, state, ages, wraps, wrapsMax }: Cryptoperiod): string {
  return formatDetails([
    ['KEK', name],
    ['State', state],
    ['Wraps', ageOf(ages.wrap)],
    ['DEKs', ageOf(ages.dek)],
    ['Credentials', ageOf(ages.credential)],
    ['Has wrapped', `${wraps} DEKs, ${wrapsMax === null ? 'without a limit' : `of at most ${wrapsMax}`}`],
  ])
}

/** A line for each thing of each target that is due. */
export function formatRecords(records: readonly DueRecord[], width: number): string {
  return formatTable<DueItem & { name: string; targetId: string }>(
    [
      { header: 'TARGET', cell: (item) => item.name, widthMin: 12 },
      { header: 'DUE', cell: (item) => ({ wrap: 'wrap', dek: 'DEK', credential: 'credential' })[item.what] },
      { header: 'STATE', cell: (item) => (item.isOverdue ? 'overdue' : 'due') },
      { header: 'OVERDUE FROM', cell: (item) => moment(item.overdueAt) },
      { header: 'DATES FROM', cell: (item) => moment(item.since), isSpare: true },
      { header: 'ID', cell: (item) => item.targetId, isSpare: true },
    ],
    records.flatMap(({ due, name, targetId }) => due.map((item) => ({ ...item, name, targetId }))),
    width,
  )
}

/** A command a line, each with what it does. */
export function whatToDo(toDo: readonly ToDo[], hasp: string): string[] {
  const commands = toDo.flatMap((one) => one.remedies.flatMap((remedy) => commandsOf(remedy, one)))
  const width = Math.max(...commands.map(({ command }) => command.length))
  return commands.map(({ command, does }) => `  ${hasp} ${command.padEnd(width)}   # ${does}`)
}

type Command = Readonly<{ command: string; does: string }>

function commandsOf(remedy: Remedy, { kek, remedies, targets }: ToDo): Command[] {
  const name = shellWord(kek)
  switch (remedy) {
    case 'move':
      return [{ command: `kek move ${name} --to KEK`, does: 'it has wrapped as much as it may, or nearly' }]
    case 're-encrypt': {
      const of = remedies.includes('move') ? 'KEK' : name
      return [{ command: `kek re-encrypt ${of}`, does: 'new DEKs, and wraps with them' }]
    }
    case 'rewrap':
      return [{ command: `kek rewrap ${name}`, does: 'the same DEKs, wrapped anew' }]
    case 'retire':
      return [{ command: `kek retire ${name}`, does: 'it has wrapped enough, and nothing is under it' }]
    case 'rotate':
      if (targets === null) return [{ command: `kek due ${name}`, does: 'which credentials to rotate' }]
      return targets.map((target) => ({
        command: `target rotate ${shellWord(target)}`,
        does: 'with another credential, from its provider',
      }))
  }
}

function countsOf({ daysMax, due, overdue }: Age): string {
  if (daysMax === null) return '—'
  const counts = [...(overdue > 0 ? [`${overdue} overdue`] : []), ...(due > 0 ? [`${due} due`] : [])]
  return counts.length === 0 ? 'in period' : counts.join(', ')
}

function ageOf(age: Age): string {
  const { daysMax, total, oldestSince } = age
  const of = `${total}${oldestSince === null ? '' : `, the oldest from ${moment(oldestSince)}`}`
  return daysMax === null
    ? `no limit of age (${of})`
    : `${countsOf(age)} (${of}; at most ${daysMax} days old)`
}
