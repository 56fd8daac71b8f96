import type { Command } from 'commander'
import { findNamed, namesById } from '#cli/api/find-named.ts'
import type { Target } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { parseScope } from '#cli/parse/options.ts'
import { formatTarget } from './format-target.ts'

type Options = OutputOptions & Readonly<{ name?: string; models?: 'all' | string[] }>

/** `hasp target update` */
export function addTargetUpdate(group: Command, cli: Cli): void {
  addCommand(group, 'update <target>', {
    summary: 'Rename a target, or change which models it is lent for.',
    details: 'For a new credential see hasp target rotate.',
    examples: [
      "hasp target update openai --models 'gpt-5*,o3'",
      'hasp target update openai --models all',
      'hasp target update openai --name openai-eu',
    ],
  })
    .option('--name <name>', 'what to call it from now on')
    .option('--models <list>', 'lend it for these alone; all: for those of its provider', parseScope)
    .action(withSession(cli, update))
}

async function update({ api, out }: Session, named: string, { name, models }: Options): Promise<void> {
  if (name === undefined && models === undefined) {
    throw new CliError('usage', 'nothing to change was given.', 'See: hasp target update --help')
  }
  const { id } = await findNamed(api, 'target', named)
  const changes = { name, models: models === 'all' ? [] : models }
  const [target, kekName] = await Promise.all([
    api.send<Target>('PATCH', `/api-targets/${id}`, changes),
    out.isJson ? (kekId: string) => kekId : namesById(api, 'kek'),
  ])
  out.answer(target, () => `Updated.\n\n${formatTarget(target, kekName, out.columns)}`)
}
