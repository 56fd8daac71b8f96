import type { Command } from 'commander'
import { readListing } from '#cli/api/pages.ts'
import type { AdminToken } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { tamperedNote } from '#cli/output/tampered-note.ts'
import { moment, moreHint } from '#cli/output/words.ts'

/** `hasp token list` */
export function addTokenList(group: Command, cli: Cli): void {
  withPaging(
    addCommand(group, 'list', {
      summary: 'List the admin tokens of your organisation, oldest first.',
      examples: ['hasp token list', 'hasp token list --json'],
    }),
  ).action(withSession(cli, list))
}

async function list({ api, out }: Session, { limit, cursor }: ListOptions): Promise<void> {
  const page = await readListing<AdminToken>(api, '/admin-tokens', { limit, cursor })
  const note = tamperedNote('token', page.tampered, out.hasp)
  out.answer(page, () => {
    if (page.items.length === 0 && note !== '') return note.trimStart()
    if (page.items.length === 0) return 'No more admin tokens.'
    const table = formatTable<AdminToken>(
      [
        { header: 'NAME', cell: (token) => token.name, widthMin: 12 },
        { header: 'TOKEN', cell: (token) => token.hint },
        { header: 'ISSUED', cell: (token) => moment(token.createdAt), isSpare: true },
        {
          header: 'EXPIRES',
          cell: (token) => (token.expiresAt === null ? 'never' : moment(token.expiresAt)),
        },
        { header: 'REVOKED', cell: (token) => moment(token.revokedAt), isSpare: true },
        { header: 'ID', cell: (token) => token.id, isSpare: true },
      ],
      page.items,
      out.columns,
    )
    return table + moreHint(page.nextCursor) + note
  })
}
