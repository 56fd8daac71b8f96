import type { Command } from 'commander'
import { findNamed, namesById } from '#cli/api/find-named.ts'
import { withHint } from '#cli/api/api-problem.ts'
import type { Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatDetails } from '#cli/output/table.ts'
import { moment, shellWord } from '#cli/output/words.ts'

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
  const { id, name, kekId } = await findNamed(api, 'target', named)
  const tested = await withHint(api.send<Tested>('POST', `/api-targets/${id}/test`), async (code) =>
    nextAfter(code, shellWord(name), shellWord((await namesById(api, 'kek'))(kekId))),
  )
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
    `your KMS opened the credential of "${name}", and the provider refuses it.`,
    `Put a good one in use: hasp target rotate ${shellWord(name)}`,
  )
}

function nextAfter(code: string, target: string, kek: string): string | undefined {
  switch (code) {
    case 'target_kek_not_active':
    case 'kek_revoked':
    case 'kek_misconfigured':
      return `Your KMS must serve the KEK again. See what is wrong, put it right, then prove it:\nhasp kek show ${kek}\nhasp kek verify ${kek}`
    case 'kek_unreachable':
    case 'kek_throttled':
      return `Nothing was changed, and nothing was shown to the provider. Repeat shortly:\nhasp target test ${target}`
    case 'kek_ours':
      return 'There is nothing to change on your side: whoever runs Hasp must put its own identity right.'
    case 'credential_not_checkable':
      return `Your KMS opened the credential; whether it is good is not known. See where its provider is asked, and repeat:\nhasp target show ${target}\nhasp target test ${target}`
    case 'credential_version_not_found':
      return `Put a credential in use: hasp target rotate ${target}`
    default:
      return undefined
  }
}
