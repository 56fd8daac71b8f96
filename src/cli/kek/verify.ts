import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Verification } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { shellWord } from '#cli/output/words.ts'
import { formatChecks } from './format-kek.ts'

/** `hasp kek verify` */
export function addKekVerify(group: Command, cli: Cli): void {
  addCommand(group, 'verify <kek>', {
    summary: 'Prove on your KMS that the grant works, and activate the KEK.',
    details: 'Each check is a real call that shows in the log of your own KMS. Exit code 1 when one fails.',
    examples: ['hasp kek verify prod', 'hasp kek verify prod --json'],
  }).action(withSession(cli, verify))
}

async function verify(session: Session, named: string): Promise<void> {
  const { id } = await findNamed(session.api, 'kek', named)
  await reportVerification(session, await session.api.send<Verification>('POST', `/keks/${id}/verify`))
}

/**
 * Shows what was found, and fails when it is not all well.
 * @throws {CliError} `verification_failed`
 */
export async function reportVerification(
  { out }: Session,
  verification: Verification,
  json: unknown = verification,
): Promise<void> {
  const { kek, checks, isPassed } = verification
  out.answer(json, () => formatChecks(checks, out.columns))
  if (!isPassed) {
    const failed = checks.find((check) => !check.isPassed)
    throw new CliError(
      'verification_failed',
      `"${kek.name}" is not verified, and stays ${kek.state}: ${failed?.finding ?? 'a check failed'}`,
      `Put right what the check found ('hasp kek show --grant' prints what to grant), then repeat: hasp kek verify ${shellWord(kek.name)}`,
    )
  }
  out.note(
    `\n"${kek.name}" is ${kek.state}. Next: hasp target add --provider openai --name openai --kek ${shellWord(kek.name)}`,
  )
}
