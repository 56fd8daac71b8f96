import type { Command } from 'commander'
import { findToEnd } from '#cli/api/find-named.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, withYes, type Cli } from '#cli/command.ts'
import { confirm } from '#cli/terminal/confirm.ts'

type Options = OutputOptions & Readonly<{ yes?: boolean }>

/** `hasp target delete` */
export function addTargetDelete(group: Command, cli: Cli): void {
  withYes(
    addCommand(group, 'delete <target>', {
      summary: 'Erase a target with every version of its credential, for good.',
      details:
        'Receipts and ledger entries that name it stay. The credential itself stays good at its provider: revoke it there.',
      examples: ['hasp target delete openai', 'hasp target delete openai --yes'],
    }),
  ).action(withSession(cli, deleteTarget))
}

async function deleteTarget({ io, api, out }: Session, named: string, options: Options): Promise<void> {
  const { id, name, label } = await findToEnd(api, 'target', named)
  await confirm(io, options, `Erase the target ${label} and its credential for good.`)
  await api.send('DELETE', `/api-targets/${id}`)
  out.answer({ id, name, isDeleted: true }, () => `${label} and its credential are erased.`)
}
