import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Kek } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatGrant, formatKek } from './format-kek.ts'
import { nextStepOf } from './next-step.ts'
import { writeDocuments } from './write-documents.ts'

type Options = OutputOptions & Readonly<{ grant?: boolean; file?: string }>

/** `hasp kek show` */
export function addKekShow(group: Command, cli: Cli): void {
  addCommand(group, 'show <kek>', {
    summary: 'Show one KEK: its state, its rules, its last probe.',
    examples: ['hasp kek show prod', 'hasp kek show prod --grant', 'hasp kek show prod --file grant/'],
  })
    .option('--grant', 'print what its owner is to grant, too')
    .option('--file <dir>', 'write the documents of the grant into this directory')
    .action(withSession(cli, show))
}

async function show({ api, out }: Session, named: string, options: Options): Promise<void> {
  const { id } = await findNamed(api, 'kek', named)
  // Lists leave the grant and the probe out.
  const kek = await api.get<Kek>(`/keks/${id}`)
  const files = options.file === undefined ? [] : await writeDocuments(options.file, kek)
  out.answer(kek, () =>
    [
      formatKek(kek),
      ...(options.grant === true && kek.grant !== undefined ? [formatGrant(kek.grant)] : []),
      ...(files.length === 0 ? [] : [`Written:\n${files.map((path) => `  ${path}`).join('\n')}`]),
    ].join('\n\n'),
  )
  const next = nextStepOf(kek, out.hasp)
  if (next !== undefined) out.note(`\n${next}`)
}
