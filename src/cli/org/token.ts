import { Option, type Command } from 'commander'
import { addCommand, type Cli } from '#cli/command.ts'
import { printLine, type CliIo } from '#cli/io.ts'
import type { IssueOptions } from '#cli/output/issued-token.ts'
import { Output } from '#cli/output/output.ts'
import { printable } from '#cli/output/printable.ts'
import { asOperator } from './as-operator.ts'

/** `hasp org token` */
export function addOrgToken(group: Command, cli: Cli): void {
  addCommand(group, 'token <name>', {
    summary: 'Make an admin token for an organisation that has lost its own; it is shown this once.',
    details: 'Works on the database directly, and leaves an entry in the ledger of that organisation.',
    examples: ['hasp org token acme', 'HASP_TOKEN=$(hasp org token acme --quiet)'],
  })
    .addOption(new Option('--quiet', 'print the token alone').conflicts('json'))
    .action((name: string, options: IssueOptions) => issue(cli.io, name, options))
}

async function issue(io: CliIo, name: string, options: IssueOptions): Promise<void> {
  const out = new Output(io, options.json === true)
  const { orgId, token } = await asOperator(io, (operator) => operator.issueAdminToken(name))
  if (options.quiet === true) return printLine(io, token)
  out.answer(
    { id: orgId, name, token },
    () => `A new admin token of "${printable(name)}" (${orgId}):\n\n  ${token}`,
  )
  out.note('\nThis token is shown this once: Hasp keeps only a digest of it.')
}
