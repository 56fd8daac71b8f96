import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { startJob, withJobOptions, type JobOptions } from './start-job.ts'

type Options = JobOptions & Readonly<{ to: string }>

/** `hasp kek move` */
export function addKekMove(group: Command, cli: Cli): void {
  withJobOptions(
    addCommand(group, 'move <kek>', {
      summary: 'Bring everything under a KEK under another one, of another cloud if you like.',
      details:
        'Both KEKs must be active. Nothing stops meanwhile. Afterwards the first seals nothing, and can be retired. Run it again for what is stored under it later.',
      examples: ['hasp kek move prod --to prod-azure', 'hasp kek move prod --to prod-2 --rate 200 --json'],
    }).requiredOption('--to <kek>', 'the KEK to move to'),
  ).action(withSession(cli, (session, kek: string, options: Options) => move(cli, session, kek, options)))
}

async function move(cli: Cli, session: Session, named: string, options: Options): Promise<void> {
  const from = await findNamed(session.api, 'kek', named)
  const to = await findNamed(session.api, 'kek', options.to)
  await startJob(cli, session, { kind: 'move', fromKekId: from.id, toKekId: to.id }, options, [from, to])
}
