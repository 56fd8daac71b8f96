import type { Command } from 'commander'
import { findToEnd } from '#cli/api/find-named.ts'
import type { AdminToken } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, withYes, type Cli } from '#cli/command.ts'
import { endedName } from '#cli/output/words.ts'
import { confirm } from '#cli/terminal/confirm.ts'

type Options = OutputOptions & Readonly<{ yes?: boolean }>

/** `hasp token revoke` */
export function addTokenRevoke(group: Command, cli: Cli): void {
  withYes(
    addCommand(group, 'revoke <token>', {
      summary: 'End an admin token at once, for good. Named by name or id, never by the token itself.',
      details: 'The last usable one can not be revoked: nobody could come in any more.',
      examples: ['hasp token revoke ada', 'hasp token revoke ada --yes --json'],
    }),
  ).action(withSession(cli, revoke))
}

async function revoke({ io, api, out }: Session, named: string, options: Options): Promise<void> {
  const { id, label } = await findToEnd(api, 'token', named)
  await confirm(io, options, `Revoke the admin token ${label} for good.`)
  const token = await api.send<AdminToken>('POST', `/admin-tokens/${id}/revoke`)
  out.answer(token, () => `The admin token ${endedName(token)} is revoked.`)
}
