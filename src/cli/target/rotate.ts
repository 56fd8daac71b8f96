import type { Command } from 'commander'
import { findNamed, namesById } from '#cli/api/find-named.ts'
import type { Target } from '#cli/api/replies.ts'
import { jsonWithCredential } from '#cli/api/secret-json.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { readCredential } from '#cli/terminal/read-credential.ts'
import { whereTheCredentialComesFrom, withCredential, type CredentialOptions } from './credential-options.ts'
import { formatTarget } from './format-target.ts'
import { withKekHint } from './with-kek-hint.ts'

/** `hasp target rotate` */
export function addTargetRotate(group: Command, cli: Cli): void {
  withCredential(
    addCommand(group, 'rotate <target>', {
      summary: 'Put a new credential in use; the former version is kept until you retire it.',
      details: whereTheCredentialComesFrom,
      examples: [
        'hasp target rotate openai',
        'pass show openai-new | hasp target rotate openai --json',
        'hasp target retire-credential openai 1   # once nothing needs the former one',
      ],
    }),
  ).action(withSession(cli, rotate))
}

async function rotate(
  { io, api, out }: Session,
  named: string,
  options: OutputOptions & CredentialOptions,
): Promise<void> {
  const { id, name, kekId } = await findNamed(api, 'target', named)
  const credential = await readCredential(io, options, `New credential of "${name}"`)
  const body = jsonWithCredential({ validate: options.validate }, credential)
  credential.fill(0)
  try {
    const [target, kekName] = await Promise.all([
      withKekHint(api, kekId, api.send<Target>('PATCH', `/api-targets/${id}`, body)),
      out.isJson ? (unnamed: string) => unnamed : namesById(api, 'kek'),
    ])
    out.answer(target, () => `Rotated.\n\n${formatTarget(target, kekName, out.columns)}`)
  } finally {
    body.fill(0)
  }
}
