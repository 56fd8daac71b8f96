import type { Command } from 'commander'
import { findNamed, namesById } from '#cli/api/find-named.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatVkey } from './format-vkey.ts'

/** `hasp vkey show` */
export function addVkeyShow(group: Command, cli: Cli): void {
  addCommand(group, 'show <vkey>', {
    summary: 'Show one virtual key. Its token is never shown again, only a hint of it.',
    examples: ['hasp vkey show my-agent', 'hasp vkey show my-agent --json'],
  }).action(withSession(cli, show))
}

async function show({ api, out }: Session, named: string): Promise<void> {
  const [virtualKey, targetName] = await Promise.all([
    findNamed(api, 'vkey', named),
    out.isJson ? (id: string) => id : namesById(api, 'target'),
  ])
  out.answer(virtualKey, () => formatVkey(virtualKey, targetName))
}
