import type { Command } from 'commander'
import { namesById } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { Target } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { tamperedNote } from '#cli/output/tampered-note.ts'
import { moment, moreHint } from '#cli/output/words.ts'
import { credentialOf } from './format-target.ts'

type Options = ListOptions & Readonly<{ provider?: string }>

/** `hasp target list` */
export function addTargetList(group: Command, cli: Cli): void {
  withPaging(
    addCommand(group, 'list', {
      summary: 'List your targets, oldest first.',
      examples: ['hasp target list', 'hasp target list --provider openai --json'],
    }).option('--provider <provider>', 'only those of this provider'),
  ).action(withSession(cli, list))
}

async function list({ api, out }: Session, { limit, cursor, provider }: Options): Promise<void> {
  const [page, kekName] = await Promise.all([
    readListing<Target>(api, '/api-targets', { limit, cursor, query: { provider } }),
    out.isJson ? (id: string) => id : namesById(api, 'kek'),
  ])
  const note = tamperedNote('target', page.tampered, out.hasp)
  out.answer(page, () => {
    if (page.items.length === 0 && note !== '') return note.trimStart()
    if (page.items.length === 0 && provider !== undefined) {
      return `No target of this provider. See them all: ${out.hasp} target list`
    }
    if (page.items.length === 0) {
      return `No targets yet. Seal a credential under a KEK (${out.hasp} kek list):\n\n  ${out.hasp} target add --provider openai --name openai --kek NAME`
    }
    const table = formatTable<Target>(
      [
        { header: 'NAME', cell: (target) => target.name, widthMin: 12 },
        { header: 'PROVIDER', cell: (target) => target.provider },
        { header: 'CREDENTIAL', cell: credentialOf },
        { header: 'VERIFICATION', cell: (target) => target.verification, isSpare: true },
        { header: 'KEK', cell: (target) => kekName(target.kekId), widthMin: 12 },
        { header: 'LAST USED', cell: (target) => moment(target.lastUsedAt), isSpare: true },
        { header: 'ID', cell: (target) => target.id, isSpare: true },
      ],
      page.items,
      out.columns,
    )
    return table + moreHint(page.nextCursor) + note
  })
}
