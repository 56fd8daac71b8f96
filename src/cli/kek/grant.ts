import { Option, type Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Kek } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatGrant } from './format-kek.ts'

const formats = ['terraform', 'cli', 'policy'] as const
type Format = (typeof formats)[number]
type Options = OutputOptions & Readonly<{ format: Format }>

/** `hasp kek grant` */
export function addKekGrant(group: Command, cli: Cli): void {
  addCommand(group, 'grant <kek>', {
    summary: 'Print what its owner is to grant, filled in for this KEK.',
    details:
      'The same grant in three forms: a call of the Terraform module, commands of your cloud’s command line, or raw policies. It holds no secret.',
    examples: ['hasp kek grant prod', 'hasp kek grant prod --format terraform > hasp.tf'],
  })
    .addOption(new Option('--format <format>', 'terraform, cli or policy').choices(formats).default('policy'))
    .action(withSession(cli, print))
}

async function print({ api, out }: Session, named: string, { format }: Options): Promise<void> {
  const { id, name } = await findNamed(api, 'kek', named)
  const { grant } = await api.get<Kek>(`/keks/${id}`)
  if (grant === undefined) throw missing(name, format)
  if (format === 'policy') return out.answer(grant, () => formatGrant(grant))
  const document = grant[format]
  if (document === undefined) throw missing(name, format)
  out.answer(document, () => document.body)
}

function missing(name: string, format: Format): CliError {
  return new CliError(
    'usage',
    `What to grant for "${name}" has no form "${format}".`,
    'See: hasp kek grant NAME --format policy',
  )
}
