import type { Command } from 'commander'
import { findToEnd } from '#cli/api/find-named.ts'
import type { VirtualKey } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, withYes, type Cli } from '#cli/command.ts'
import { endedName } from '#cli/output/words.ts'
import { confirm } from '#cli/terminal/confirm.ts'

type Options = OutputOptions & Readonly<{ yes?: boolean }>

/** `hasp vkey revoke` */
export function addVkeyRevoke(group: Command, cli: Cli): void {
  withYes(
    addCommand(group, 'revoke <vkey>', {
      summary: 'End a virtual key for good: its next request is refused, on every node.',
      examples: ['hasp vkey revoke my-agent', 'hasp vkey revoke my-agent --yes --json'],
    }),
  ).action(withSession(cli, revoke))
}

async function revoke({ io, api, out }: Session, named: string, options: Options): Promise<void> {
  const { id, label } = await findToEnd(api, 'vkey', named)
  await confirm(io, options, `Revoke the virtual key ${label} for good.`)
  const virtualKey = await api.send<VirtualKey>('POST', `/virtual-keys/${id}/revoke`)
  out.answer(virtualKey, () => `${endedName(virtualKey)} is revoked: its next request is refused.`)
}
