import type { Command } from 'commander'
import { findNamed, namesById } from '#cli/api/find-named.ts'
import type { VirtualKey } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { expiresAtOf, parseExpiry, parseScope } from '#cli/parse/options.ts'
import { formatVkey } from './format-vkey.ts'
import { targetIdsOf } from './scope.ts'

type Options = OutputOptions &
  Readonly<{
    name?: string
    targets?: 'all' | string[]
    models?: 'all' | string[]
    expires?: string
  }>

/** `hasp vkey update` */
export function addVkeyUpdate(group: Command, cli: Cli): void {
  addCommand(group, 'update <vkey>', {
    summary: 'Change what a virtual key may do; holds from the next request on.',
    examples: [
      'hasp vkey update my-agent --targets openai',
      "hasp vkey update my-agent --models 'gpt-5-mini' --expires 7d",
      'hasp vkey update my-agent --expires never',
    ],
  })
    .option('--name <name>', 'whom it is for')
    .option('--targets <list>', 'all, or the targets that it may use, by name or id', parseScope)
    .option('--models <list>', 'all, or the models that it may use; prefixes end in *', parseScope)
    .option('--expires <when>', 'never, 12h, 30d, 2027-01-31 or a time', parseExpiry)
    .action(withSession(cli, update))
}

async function update({ api, out }: Session, named: string, options: Options): Promise<void> {
  const { name, targets, models, expires } = options
  if (name === undefined && targets === undefined && models === undefined && expires === undefined) {
    throw new CliError('usage', 'nothing to change was given.', 'See: hasp vkey update --help')
  }
  const { id } = await findNamed(api, 'vkey', named)
  const targetIds = targets === undefined ? undefined : await targetIdsOf(api, targets)
  const changes = { name, targetIds, models, expiresAt: expiresAtOf(expires) }
  const [virtualKey, targetName] = await Promise.all([
    api.send<VirtualKey>('PATCH', `/virtual-keys/${id}`, changes),
    out.isJson ? (targetId: string) => targetId : namesById(api, 'target'),
  ])
  out.answer(virtualKey, () => `Updated.\n\n${formatVkey(virtualKey, targetName)}`)
}
