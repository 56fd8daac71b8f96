import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { startJob, withJobOptions, type JobOptions } from './start-job.ts'

type Options = JobOptions & Readonly<{ target?: string }>

/** `hasp kek re-encrypt` */
export function addKekReencrypt(group: Command, cli: Cli): void {
  withJobOptions(
    addCommand(group, 're-encrypt [kek]', {
      summary: 'Seal everything under a KEK, or one target, anew under new DEKs.',
      details: 'A rewrap keeps the DEKs; this replaces them, for when one may have been seen.',
      examples: ['hasp kek re-encrypt prod', 'hasp kek re-encrypt --target openai'],
    }).option('--target <target>', 'only this target'),
  ).action(
    withSession(cli, (session, kek: string | undefined, options: Options) =>
      reencrypt(cli, session, kek, options),
    ),
  )
}

async function reencrypt(
  cli: Cli,
  session: Session,
  named: string | undefined,
  options: Options,
): Promise<void> {
  const { api } = session
  if (named === undefined && options.target === undefined) {
    throw new CliError(
      'usage',
      'neither a KEK nor a target was named.',
      'hasp kek re-encrypt KEK, or: hasp kek re-encrypt --target TARGET',
    )
  }
  const kek = named === undefined ? undefined : await findNamed(api, 'kek', named)
  const target = options.target === undefined ? undefined : await findNamed(api, 'target', options.target)
  const of = {
    ...(kek === undefined ? {} : { fromKekId: kek.id }),
    ...(target === undefined ? {} : { targetId: target.id }),
  }
  await startJob(cli, session, { kind: 're-encrypt', ...of }, options, kek === undefined ? [] : [kek])
}
