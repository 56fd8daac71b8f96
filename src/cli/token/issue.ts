import { Option, type Command } from 'commander'
import type { IssuedAdminToken } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { handOver, type IssueOptions } from '#cli/output/issued-token.ts'
import { printable } from '#cli/output/printable.ts'
import { untilWhen } from '#cli/output/words.ts'
import { expiresAtOf, parseExpiry } from '#cli/parse/options.ts'

type Options = IssueOptions & Readonly<{ name: string; expires?: string }>

/** `hasp token issue` */
export function addTokenIssue(group: Command, cli: Cli): void {
  addCommand(group, 'issue', {
    summary: 'Issue another admin token; it is shown this once.',
    examples: [
      'hasp token issue --name ada',
      'HASP_TOKEN=$(hasp token issue --name deploy --expires 12h --quiet)',
    ],
  })
    .requiredOption('--name <name>', 'whom it is for')
    .option('--expires <when>', 'never, 12h, 30d, 2027-01-31 or a time', parseExpiry)
    .addOption(new Option('--quiet', 'print the token alone').conflicts('json'))
    .action(withSession(cli, issue))
}

async function issue(session: Session, options: Options): Promise<void> {
  const issued = await session.api.send<IssuedAdminToken>('POST', '/admin-tokens', {
    name: options.name,
    expiresAt: expiresAtOf(options.expires),
  })
  handOver(
    session,
    issued,
    options,
    (token) =>
      `Issued the admin token "${printable(issued.name)}" (${issued.id}), ${untilWhen(issued.expiresAt)}:\n\n  ${token}`,
  )
}
