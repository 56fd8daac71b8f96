import { Option, type Command } from 'commander'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, type Cli } from '#cli/command.ts'
import { printLine, type CliIo } from '#cli/io.ts'
import type { IssueOptions } from '#cli/output/issued-token.ts'
import { Output } from '#cli/output/output.ts'
import { printable } from '#cli/output/printable.ts'
import { asOperator } from './as-operator.ts'

/** `hasp org create` */
export function addOrgCreate(group: Command, cli: Cli): void {
  addCommand(group, 'create <name>', {
    summary: 'Make an organisation; its first admin token is shown this once.',
    details: 'Works on the database directly, with the settings of the service, which may be running.',
    examples: ['hasp org create acme', 'HASP_TOKEN=$(hasp org create acme --quiet)'],
  })
    .addOption(new Option('--quiet', 'print the token alone').conflicts('json'))
    .action((name: string, options: IssueOptions) => create(cli.io, name, options))
}

async function create(io: CliIo, name: string, options: IssueOptions): Promise<void> {
  const out = new Output(io, options.json === true)
  requireName(name)
  const organisation = await asOperator(io, (operator) => operator.createOrganisation(name))
  if (options.quiet === true) return printLine(io, organisation.token)
  out.answer(
    { id: organisation.orgId, name, token: organisation.token },
    () =>
      `Made the organisation "${printable(name)}" (${organisation.orgId}). Its first admin token:\n\n  ${organisation.token}`,
  )
  out.note(
    '\nThis token is shown this once: Hasp keeps only a digest of it. Hand it to whoever runs the organisation.',
  )
}

/** The same rule as for every name that the API takes. */
function requireName(name: string): void {
  if (name.length <= 100 && /^[^\p{Cc}\s]([^\p{Cc}]*[^\p{Cc}\s])?$/u.test(name)) return
  throw new CliError('usage', 'a name takes 1 to 100 printable characters, without spaces around it.')
}
