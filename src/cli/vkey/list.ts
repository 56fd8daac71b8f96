import type { Command } from 'commander'
import { namesById } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { VirtualKey } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { tamperedNote } from '#cli/output/tampered-note.ts'
import { moment, moreHint, scope } from '#cli/output/words.ts'

/** `hasp vkey list` */
export function addVkeyList(group: Command, cli: Cli): void {
  withPaging(
    addCommand(group, 'list', {
      summary: 'List your virtual keys, oldest first.',
      examples: [
        'hasp vkey list',
        'hasp vkey list --json | jq -r \'.items[] | select(.status == "active") | .id\'',
      ],
    }),
  ).action(withSession(cli, list))
}

async function list({ api, out }: Session, { limit, cursor }: ListOptions): Promise<void> {
  const [page, targetName] = await Promise.all([
    readListing<VirtualKey>(api, '/virtual-keys', { limit, cursor }),
    out.isJson ? (id: string) => id : namesById(api, 'target'),
  ])
  const note = tamperedNote('vkey', page.tampered, out.hasp)
  out.answer(page, () => {
    if (page.items.length === 0 && note !== '') return note.trimStart()
    if (page.items.length === 0) {
      return `No virtual keys yet. Issue one for an agent:\n\n  ${out.hasp} vkey issue --name my-agent --targets all`
    }
    const table = formatTable<VirtualKey>(
      [
        { header: 'NAME', cell: (vkey) => vkey.name, widthMin: 12 },
        { header: 'STATUS', cell: (vkey) => vkey.status },
        { header: 'TOKEN', cell: (vkey) => vkey.hint },
        { header: 'TARGETS', cell: (vkey) => scope(vkey.targetIds, targetName), widthMin: 8 },
        { header: 'MODELS', cell: (vkey) => scope(vkey.models), widthMin: 8, isSpare: true },
        {
          header: 'EXPIRES',
          cell: (vkey) => (vkey.expiresAt === null ? 'never' : moment(vkey.expiresAt)),
          isSpare: true,
        },
        { header: 'ID', cell: (vkey) => vkey.id, isSpare: true },
      ],
      page.items,
      out.columns,
    )
    return table + moreHint(page.nextCursor) + note
  })
}
