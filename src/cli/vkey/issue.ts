import { Option, type Command } from 'commander'
import type { IssuedVirtualKey } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { handOver, type IssueOptions } from '#cli/output/issued-token.ts'
import { printable } from '#cli/output/printable.ts'
import { untilWhen } from '#cli/output/words.ts'
import { expiresAtOf, parseExpiry, parseScope } from '#cli/parse/options.ts'
import { targetIdsOf } from './scope.ts'

type Options = IssueOptions &
  Readonly<{
    name: string
    targets: 'all' | string[]
    models: 'all' | string[]
    expires?: string
  }>

/** `hasp vkey issue` */
export function addVkeyIssue(group: Command, cli: Cli): void {
  addCommand(group, 'issue', {
    summary: 'Issue a token for an agent; it is shown this once.',
    examples: [
      'hasp vkey issue --name my-agent --targets all',
      "hasp vkey issue --name ci --targets openai,claude --models 'gpt-5-mini,claude-*' --expires 30d",
      'export OPENAI_API_KEY=$(hasp vkey issue --name ci --targets openai --quiet)',
    ],
  })
    .requiredOption('--name <name>', 'whom it is for')
    .requiredOption('--targets <list>', 'all, or the targets that it may use, by name or id', parseScope)
    .option('--models <list>', 'all, or the models that it may use; prefixes end in *', parseScope, 'all')
    .option('--expires <when>', 'never, 12h, 30d, 2027-01-31 or a time', parseExpiry)
    .addOption(new Option('--quiet', 'print the token alone').conflicts('json'))
    .action(withSession(cli, issue))
}

async function issue(session: Session, options: Options): Promise<void> {
  const { api } = session
  const { name, models, expires } = options
  const targetIds = await targetIdsOf(api, options.targets)
  const issued = await api.send<IssuedVirtualKey>('POST', '/virtual-keys', {
    name,
    targetIds,
    models,
    expiresAt: expiresAtOf(expires),
  })
  handOver(
    session,
    issued,
    options,
    (token) => `Issued "${printable(issued.name)}" (${issued.id}), ${untilWhen(issued.expiresAt)}:

  ${token}

Point an SDK at Hasp with it:

  export OPENAI_BASE_URL=${api.url}/openai/v1 OPENAI_API_KEY=…
  export ANTHROPIC_BASE_URL=${api.url}/anthropic ANTHROPIC_API_KEY=…`,
  )
}
