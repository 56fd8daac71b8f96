import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatDetails } from '#cli/output/table.ts'
import { moment } from '#cli/output/words.ts'

type Tested = Readonly<{
  verification: 'accepted' | 'rejected'
  detail: string | null
  verifiedAt: string
  kmsRequestId: string
}>

/** `hasp target test` */
export function addTargetTest(group: Command, cli: Cli): void {
  addCommand(group, 'test <target>', {
    summary: 'Open the stored credential and show it to its provider.',
    details:
      'Proves the whole way: your KMS opens it, and the provider accepts it. Exit code 1 when it is rejected.',
    examples: ['hasp target test openai', 'hasp target test openai --json'],
  }).action(withSession(cli, test))
}

async function test({ api, out }: Session, named: string): Promise<void> {
  const { id, name } = await findNamed(api, 'target', named)
  const tested = await api.send<Tested>('POST', `/api-targets/${id}/test`)
  out.answer(tested, () =>
    formatDetails([
      ['Target', name],
      ['Verification', tested.verification],
      ...(tested.detail === null ? [] : [['Detail', tested.detail] as const]),
      ['At', moment(tested.verifiedAt)],
      ['KMS request', tested.kmsRequestId],
    ]),
  )
  if (tested.verification === 'accepted') return
  throw new CliError(
    'credential_rejected',
    `the provider refuses the credential of "${name}".`,
    'Put a good one in use: hasp target rotate NAME',
  )
}
