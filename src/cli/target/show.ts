import type { Command } from 'commander'
import { findNamed, namesById } from '#cli/api/find-named.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatTarget } from './format-target.ts'

/** `hasp target show` */
export function addTargetShow(group: Command, cli: Cli): void {
  addCommand(group, 'show <target>', {
    summary: 'Show one target. Its credential is never shown, only a preview.',
    examples: ['hasp target show openai', 'hasp target show openai --json'],
  }).action(withSession(cli, show))
}

async function show({ api, out }: Session, named: string): Promise<void> {
  const [target, kekName] = await Promise.all([
    findNamed(api, 'target', named),
    out.isJson ? (id: string) => id : namesById(api, 'kek'),
  ])
  out.answer(target, () => formatTarget(target, kekName, out.columns))
}
