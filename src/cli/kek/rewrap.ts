import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { startJob, withJobOptions, type JobOptions } from './start-job.ts'

/** `hasp kek rewrap` */
export function addKekRewrap(group: Command, cli: Cli): void {
  withJobOptions(
    addCommand(group, 'rewrap <kek>', {
      summary: 'Wrap everything under a KEK anew, under the newest material of the same KEK.',
      details:
        'For after you rotated your key. Nothing stops meanwhile. Your KMS is asked to unwrap and to wrap once for each credential version.',
      examples: ['hasp kek rewrap prod', 'hasp kek rewrap prod --rate 10 --no-wait'],
    }),
  ).action(
    withSession(cli, (session, kek: string, options: JobOptions) => rewrap(cli, session, kek, options)),
  )
}

async function rewrap(cli: Cli, session: Session, named: string, options: JobOptions): Promise<void> {
  const kek = await findNamed(session.api, 'kek', named)
  await startJob(cli, session, { kind: 'rewrap', fromKekId: kek.id }, options, [kek])
}
