import type { Command } from 'commander'
import { idOf, namesById } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { LifecycleJob } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { moment, moreHint } from '#cli/output/words.ts'
import { progressOf } from './format-job.ts'

type Options = ListOptions & Readonly<{ kek?: string }>

/** `hasp job list` */
export function addJobList(group: Command, cli: Cli): void {
  withPaging(
    addCommand(group, 'list', {
      summary: 'List lifecycle jobs, newest first.',
      examples: ['hasp job list', 'hasp job list --kek prod --json'],
    }).option('--kek <kek>', 'only those from or to this KEK'),
  ).action(withSession(cli, list))
}

async function list({ api, out }: Session, { limit, cursor, kek }: Options): Promise<void> {
  const kekId = kek === undefined ? undefined : await idOf(api, 'kek', kek)
  const [page, kekName] = await Promise.all([
    readListing<LifecycleJob>(api, '/lifecycle-jobs', { limit, cursor, query: { kekId } }),
    out.isJson ? (id: string) => id : namesById(api, 'kek'),
  ])
  out.answer(page, () => {
    if (page.items.length === 0 && kek !== undefined)
      return `No jobs from or to this KEK. See them all: ${out.hasp} job list`
    if (page.items.length === 0) return `No jobs yet. Start one: ${out.hasp} kek move KEK --to OTHER`
    const table = formatTable<LifecycleJob>(
      [
        { header: 'ID', cell: (job) => job.id },
        { header: 'KIND', cell: (job) => job.kind },
        { header: 'FROM', cell: (job) => kekName(job.fromKekId), widthMin: 10 },
        { header: 'TO', cell: (job) => kekName(job.toKekId), widthMin: 10 },
        { header: 'STATE', cell: (job) => job.state },
        { header: 'RECORDS', cell: progressOf },
        { header: 'STARTED', cell: (job) => moment(job.createdAt), isSpare: true },
      ],
      page.items,
      out.columns,
    )
    return table + moreHint(page.nextCursor)
  })
}
