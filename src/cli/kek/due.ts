import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { Cryptoperiod, DueRecord } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { tamperedNote } from '#cli/output/tampered-note.ts'
import { moreHint } from '#cli/output/words.ts'
import { formatPeriod, formatPeriods, formatRecords, whatToDo, type ToDo } from './format-due.ts'

/** `hasp kek due` */
export function addKekDue(group: Command, cli: Cli): void {
  withPaging(
    addCommand(group, 'due [kek]', {
      summary: 'Show which wraps, DEKs and credentials are due, and what renews them: by KEK, or by target.',
      details:
        'How old each may get is set by hasp kek update --wrap-age-max, --dek-age-max and --credential-age-max, how many DEKs the KEK may wrap by --wraps-max. Due is what has a tenth of its period left or less. Nothing is refused or started by itself.',
      examples: ['hasp kek due', 'hasp kek due prod', 'hasp kek due --json'],
    }),
  ).action(
    withSession(cli, (session, kek: string | undefined, options: ListOptions) =>
      kek === undefined ? periods(session, options) : records(session, kek, options),
    ),
  )
}

async function periods({ api, out }: Session, { limit, cursor }: ListOptions): Promise<void> {
  const page = await readListing<Cryptoperiod>(api, '/cryptoperiods', { limit, cursor })
  const note = tamperedNote('kek', page.tampered, out.hasp)
  out.answer(page, () => {
    if (page.items.length === 0 && note !== '') return note.trimStart()
    if (page.items.length === 0) return `No KEKs yet: ${out.hasp} kek register --help`
    const toDo = page.items.map(({ name, remedies }) => ({ kek: name, remedies, targets: null }))
    return formatPeriods(page.items, out.columns) + moreHint(page.nextCursor) + doBelow(toDo, out.hasp) + note
  })
}

async function records({ api, out }: Session, named: string, { limit, cursor }: ListOptions): Promise<void> {
  const { id } = await findNamed(api, 'kek', named)
  const period = await api.get<Cryptoperiod>(`/cryptoperiods/${id}`)
  const page = await readListing<DueRecord>(api, `/cryptoperiods/${id}/records`, { limit, cursor })
  out.answer({ cryptoperiod: period, ...page }, () => {
    const { name, remedies } = period
    const isToRotate = ({ due }: DueRecord) => due.some(({ remedy }) => remedy === 'rotate')
    const targets = page.items.filter(isToRotate).map((record) => record.name)
    const table =
      page.items.length === 0
        ? `Nothing under "${name}" is due by its age.`
        : formatRecords(page.items, out.columns) + moreHint(page.nextCursor)
    return `${formatPeriod(period)}\n\n${table}${doBelow([{ kek: name, remedies, targets }], out.hasp)}`
  })
}

function doBelow(toDo: readonly ToDo[], hasp: string): string {
  const lines = whatToDo(toDo, hasp)
  return lines.length === 0 ? '' : `\n\nTo renew what is due:\n\n${lines.join('\n')}`
}
