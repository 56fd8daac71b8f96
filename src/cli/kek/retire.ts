import type { Command } from 'commander'
import { withHint } from '#cli/api/api-problem.ts'
import { findToEnd } from '#cli/api/find-named.ts'
import type { Kek } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, withYes, type Cli } from '#cli/command.ts'
import { shellWord } from '#cli/output/words.ts'
import { confirm } from '#cli/terminal/confirm.ts'

type Options = OutputOptions & Readonly<{ yes?: boolean }>

/** `hasp kek retire` */
export function addKekRetire(group: Command, cli: Cli): void {
  withYes(
    addCommand(group, 'retire <kek>', {
      summary: 'Take a KEK out of use that seals nothing any more.',
      details: 'Refused while it seals a credential. Your key in your KMS is not touched.',
      examples: ['hasp kek retire trial', 'hasp kek retire trial --yes --json'],
    }),
  ).action(withSession(cli, retire))
}

async function retire({ io, api, out }: Session, named: string, options: Options): Promise<void> {
  const { id, name, label } = await findToEnd(api, 'kek', named)
  await confirm(io, options, `Retire the KEK ${label} for good.`)
  const kek = await withHint(api.send<Kek>('POST', `/keks/${id}/retire`), (code) =>
    code === 'kek_in_use' ? `hasp kek move ${shellWord(name ?? id)} --to KEK` : undefined,
  )
  out.answer(kek, () => `${label} is ${kek.state}: Hasp uses it no more.`)
}
