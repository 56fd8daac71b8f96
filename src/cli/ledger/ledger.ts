import { Option, type Command } from 'commander'
import { entryKinds } from '#ledger/entry.ts'
import { readListing } from '#cli/api/pages.ts'
import type { Entry } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { detailsLine } from '#cli/output/details-line.ts'
import { moment, moreHint } from '#cli/output/words.ts'
import { filterQuery, withFilters, type Filters } from './filters.ts'

type Options = ListOptions & Filters & Readonly<{ kind?: string; receipt?: string }>

/** `hasp ledger` */
export function addLedger(program: Command, cli: Cli): void {
  const command = addCommand(program, 'ledger', {
    summary: 'List everything that happened in your organisation, newest first.',
    examples: [
      'hasp ledger',
      'hasp ledger --kind kek.suspended',
      'hasp ledger --kek prod --limit 200 --json',
      'hasp ledger --receipt 019a0b1c-2d3e-7f40-8a5b-6c7d8e9f0a1b   # how the call of this x-hasp-receipt ended',
    ],
  })
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(entryKinds))
    .option('--receipt <id>', 'only what ended this receipt')
  withPaging(withFilters(command)).action(withSession(cli, list))
}

async function list({ api, out }: Session, options: Options): Promise<void> {
  const { limit, cursor, kind, receipt } = options
  const query = { kind, receiptId: receipt, ...(await filterQuery(api, options)) }
  const page = await readListing<Entry>(api, '/ledger', { limit, cursor, query })
  out.answer(page, () => {
    if (page.items.length === 0)
      return `Nothing in the ledger fits. Leave filters out to see more: ${out.hasp} ledger`
    const table = formatTable<Entry>(
      [
        { header: 'TIME', cell: (entry) => moment(entry.occurredAt) },
        { header: 'KIND', cell: (entry) => entry.kind },
        { header: 'BY', cell: (entry) => entry.actor, widthMin: 12 },
        { header: 'DETAILS', cell: (entry) => detailsLine(entry.details), isProse: true },
      ],
      page.items,
      out.columns,
    )
    return table + moreHint(page.nextCursor)
  })
}
