import type { Command } from 'commander'
import { readListing } from '#cli/api/pages.ts'
import type { Kek } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { tamperedNote } from '#cli/output/tampered-note.ts'
import { moment, moreHint } from '#cli/output/words.ts'

/** `hasp kek list` */
export function addKekList(group: Command, cli: Cli): void {
  withPaging(
    addCommand(group, 'list', {
      summary: 'List your KEKs, oldest first.',
      examples: [
        'hasp kek list',
        'hasp kek list --json | jq -r \'.items[] | select(.state != "active") | .name\'',
      ],
    }),
  ).action(withSession(cli, list))
}

async function list({ api, out }: Session, { limit, cursor }: ListOptions): Promise<void> {
  const page = await readListing<Kek>(api, '/keks', { limit, cursor })
  const note = tamperedNote('kek', page.tampered, out.hasp)
  out.answer(page, () => {
    if (page.items.length === 0 && note !== '') return note.trimStart()
    if (page.items.length === 0) {
      return `No KEKs yet. Register one:\n\n  ${out.hasp} kek register --provider local --name trial --verify   # to try Hasp out\n  ${out.hasp} kek register --help                                   # for the key in your own KMS`
    }
    const table = formatTable<Kek>(
      [
        { header: 'NAME', cell: (kek) => kek.name, widthMin: 12 },
        { header: 'STATE', cell: (kek) => kek.state },
        { header: 'UNWRAP', cell: (kek) => kek.unwrapMode },
        { header: 'KEY', cell: (kek) => kek.kekRef, widthMin: 16 },
        { header: 'KEPT IN', cell: (kek) => kek.protection ?? '—', isSpare: true },
        { header: 'REGISTERED', cell: (kek) => moment(kek.createdAt), isSpare: true },
        { header: 'ID', cell: (kek) => kek.id, isSpare: true },
      ],
      page.items,
      out.columns,
    )
    return table + moreHint(page.nextCursor) + note
  })
}
