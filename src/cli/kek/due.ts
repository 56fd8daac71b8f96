import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { Cryptoperiod, DueRecord } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { moment, moreHint } from '#cli/output/words.ts'

/** `hasp kek due` */
export function addKekDue(group: Command, cli: Cli): void {
  withPaging(
    addCommand(group, 'due [kek]', {
      summary: 'Show what is due to be rewrapped: by KEK, or target by target of one KEK.',
      details:
        'Cryptoperiods are set by hasp kek update --wrap-age-max and --wraps-max. Due is what has a tenth of its period left or less.',
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
  out.answer(page, () => {
    if (page.items.length === 0) return `No KEKs yet: ${out.hasp} kek register --help`
    const table = formatTable<Cryptoperiod>(
      [
        { header: 'KEK', cell: (period) => period.name, widthMin: 12 },
        { header: 'CRYPTOPERIOD', cell: (period) => period.state },
        { header: 'OVERDUE', cell: (period) => String(period.versionsOverdue) },
        { header: 'DUE', cell: (period) => String(period.versionsDue) },
        { header: 'WRAPPED', cell: (period) => String(period.versions) },
        { header: 'OLDEST', cell: (period) => moment(period.oldestWrappedAt), isSpare: true },
        {
          header: 'AGE MAX',
          cell: ({ wrapAgeDaysMax }) => (wrapAgeDaysMax === null ? '—' : `${wrapAgeDaysMax} d`),
        },
        {
          header: 'WRAPS',
          cell: ({ wraps, wrapsMax }) => `${wraps}${wrapsMax === null ? '' : `/${wrapsMax}`}`,
        },
      ],
      page.items,
      out.columns,
    )
    return table + moreHint(page.nextCursor)
  })
}

async function records({ api, out }: Session, named: string, { limit, cursor }: ListOptions): Promise<void> {
  const { id, name } = await findNamed(api, 'kek', named)
  const page = await readListing<DueRecord>(api, `/cryptoperiods/${id}/records`, { limit, cursor })
  out.answer(page, () => {
    if (page.items.length === 0) return `Nothing under "${name}" is due.`
    const table = formatTable<DueRecord>(
      [
        { header: 'TARGET', cell: (record) => record.name, widthMin: 12 },
        { header: 'STATE', cell: (record) => (record.isOverdue ? 'overdue' : 'due') },
        { header: 'WRAPPED', cell: (record) => moment(record.wrappedAt) },
        { header: 'OVERDUE FROM', cell: (record) => moment(record.overdueAt) },
        { header: 'ID', cell: (record) => record.targetId, isSpare: true },
      ],
      page.items,
      out.columns,
    )
    return `${table}${moreHint(page.nextCursor)}\n\nTo rewrap them: ${out.hasp} kek rewrap ${name}`
  })
}
