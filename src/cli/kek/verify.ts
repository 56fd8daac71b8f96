import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Kek, Verification } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { shellWord } from '#cli/output/words.ts'
import { formatFindings } from './format-findings.ts'
import { formatChecks } from './format-kek.ts'
import { warnOfSharedRole } from './shared-role.ts'

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
  const verification = await session.api.send<Verification>('POST', `/keks/${id}/verify`)
  await warnOfSharedRole(session, verification.kek)
  await reportVerification(session, verification)
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
  const { kek, checks, findings, isPassed } = verification
  out.answer(json, () =>
    [
      formatChecks(checks, out.columns),
      ...(findings.length === 0 ? [] : [formatFindings(findings, out.columns)]),
    ].join('\n\n'),
  )
  if (!isPassed) {
    const failed = checks.find((check) => !check.isPassed)
    const kind = failed?.fault?.kind
    throw new CliError(
      'verification_failed',
      `"${kek.name}" is not verified: the check ${failed?.name ?? 'of the KMS'} failed. ${standing(kek, kind)}`,
      kind === 'revoked' && kek.state !== 'pre-activation'
        ? nextAfterRefusal(kek)
        : nextAfter(kind, shellWord(kek.name)),
    )
  }
  if (findings.some(({ severity }) => severity !== 'notice')) {
    return out.note(
      `\n"${kek.name}" is ${kek.state}, and may do more than it needs. Grant exactly what the first prints, then repeat:\n  ${out.hasp} kek grant ${shellWord(kek.name)}\n  ${out.hasp} kek verify ${shellWord(kek.name)}`,
    )
  }
  out.note(
    `\n"${kek.name}" is ${kek.state}. Next: ${out.hasp} target add --provider openai --name openai --kek ${shellWord(kek.name)}`,
  )
}

/** What becomes of the KEK: a verification takes none out of use, the probe and refused requests do. */
function standing({ state, probeIntervalMs }: Kek, kind: string | undefined): string {
  if (state !== 'active' || kind !== 'revoked') return `It stays ${state}.`
  return probeIntervalMs > 0
    ? 'It is active until an unwrap is refused as well: Hasp tries one now, and suspends it then.'
    : 'It is active until an unwrap is refused as well: its probe is off, so the next request finds out.'
}

/** Whoever took the right away on purpose has nothing to put right. */
function nextAfterRefusal({ name }: Kek): string {
  const kek = shellWord(name)
  return `If you took the right away yourself, there is nothing to do: the first shows how the KEK stands. Otherwise put right, in your KMS, what the finding says, then repeat; what to grant is printed by the last:\nhasp kek show ${kek}\nhasp kek verify ${kek}\nhasp kek grant ${kek}`
}

/** What to do about a fault of this kind (src/kms/kek-fault.ts). */
function nextAfter(kind: string | undefined, kek: string): string {
  const repeat = `hasp kek verify ${kek}`
  switch (kind) {
    case 'unreachable':
    case 'throttled':
      return `Nothing is known to be wrong with your grant: the KMS gave no answer. Should that stay so, whoever runs Hasp must see whether its machine reaches the KMS. Repeat shortly:\n${repeat}`
    case 'ours':
      return `There is nothing to change on your side: whoever runs Hasp must put its own identity or set-up right (the service log names the fault). Then repeat:\n${repeat}`
    case 'tampered':
      return 'This is no matter of the grant: what came back is not what was sent. Tell whoever runs Hasp, and do not use this KEK.'
    default:
      return `Put right, in your KMS, what the finding says, then repeat. What to grant is printed by the second:\n${repeat}\nhasp kek grant ${kek}`
  }
}
