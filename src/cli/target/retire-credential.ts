import type { Command } from 'commander'
import { findToEnd } from '#cli/api/find-named.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, withYes, type Cli } from '#cli/command.ts'
import { confirm } from '#cli/terminal/confirm.ts'

type Options = OutputOptions & Readonly<{ yes?: boolean }>

/** `hasp target retire-credential` */
export function addTargetRetireCredential(group: Command, cli: Cli): void {
  withYes(
    addCommand(group, 'retire-credential <target> <version>', {
      summary: 'Erase a former version of a credential, for good.',
      details: "The version in use can not be retired: rotate first. 'hasp target show' lists the versions.",
      examples: ['hasp target retire-credential openai 1', 'hasp target retire-credential openai 1 --yes'],
    }),
  ).action(withSession(cli, retireCredential))
}

async function retireCredential(
  { io, api, out }: Session,
  named: string,
  version: string,
  options: Options,
): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(version)) throw new CliError('usage', 'a version is a whole number from 1.')
  const { id, name, label } = await findToEnd(api, 'target', named)
  await confirm(io, options, `Erase version ${version} of the credential of ${label} for good.`)
  await api.send('DELETE', `/api-targets/${id}/credentials/${version}`)
  out.answer(
    { id, name, generation: Number(version), isDeleted: true },
    () => `Version ${version} of the credential of ${label} is erased.`,
  )
}
