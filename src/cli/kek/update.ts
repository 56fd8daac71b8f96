import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Kek } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatKek } from './format-kek.ts'
import { rulesOf, withRules, type RuleOptions } from './rules.ts'

type Options = OutputOptions & RuleOptions & Readonly<{ name?: string }>

/** `hasp kek update` */
export function addKekUpdate(group: Command, cli: Cli): void {
  const command = addCommand(group, 'update <kek>', {
    summary: 'Rename a KEK, or change the rules of its use.',
    examples: [
      'hasp kek update prod --unwrap-mode cached --cache-ceiling 60s --cache-uses-max 1000',
      'hasp kek update prod --unwrap-mode strict --stream-rule cut',
    ],
  }).option('--name <name>', 'what to call it from now on')
  withRules(command).action(withSession(cli, update))
}

async function update({ api, out }: Session, named: string, options: Options): Promise<void> {
  const { name } = options
  const changes = { ...(name === undefined ? {} : { name }), ...rulesOf(options) }
  if (Object.keys(changes).length === 0) {
    throw new CliError('usage', 'nothing to change was given.', 'See: hasp kek update --help')
  }
  const { id } = await findNamed(api, 'kek', named)
  const kek = await api.send<Kek>('PATCH', `/keks/${id}`, changes)
  out.answer(kek, () => `Updated.\n\n${formatKek(kek)}`)
}
