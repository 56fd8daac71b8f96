import type { Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import type { Target } from '#cli/api/replies.ts'
import { jsonWithCredential } from '#cli/api/secret-json.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { parseList } from '#cli/parse/options.ts'
import { readCredential } from '#cli/terminal/read-credential.ts'
import { whereTheCredentialComesFrom, withCredential, type CredentialOptions } from './credential-options.ts'
import { formatTarget } from './format-target.ts'
import { withKekHint } from './with-kek-hint.ts'

type Options = OutputOptions &
  CredentialOptions &
  Readonly<{
    name: string
    provider: string
    kek: string
    baseUrl?: string
    environment?: string
    models?: string[]
  }>

/** `hasp target add` */
export function addTargetAdd(group: Command, cli: Cli): void {
  const command = addCommand(group, 'add', {
    summary: 'Seal a provider credential under your KEK.',
    details: whereTheCredentialComesFrom,
    examples: [
      'hasp target add --provider openai --name openai --kek prod',
      'pass show anthropic | hasp target add --provider anthropic --name claude --kek prod',
      "hasp target add --provider openai --name cheap --kek prod --models 'gpt-5-mini,gpt-4o*' --credential-file ~/.openai-credential",
    ],
  })
    .requiredOption('--name <name>', 'what to call it')
    .requiredOption('--provider <provider>', 'openai or anthropic')
    .requiredOption('--kek <kek>', 'name or id of the KEK to seal it under')
    .option('--base-url <url>', "where it is reached, if not at the provider's own address")
    .option('--environment <name>', 'such as production, which is the default')
    .option('--models <list>', 'lend it for these alone: exact names, or prefixes ending in *', parseList)
  withCredential(command).action(withSession(cli, add))
}

async function add({ io, api, out }: Session, options: Options): Promise<void> {
  const { name, provider, baseUrl, environment, models, validate } = options
  // First, so that nobody types a credential in vain.
  const kek = await findNamed(api, 'kek', options.kek)
  const credential = await readCredential(io, options, `Credential of ${provider}`)
  const members = { name, provider, kekId: kek.id, baseUrl, environment, models, validate }
  const body = jsonWithCredential(members, credential)
  credential.fill(0)
  try {
    const target = await withKekHint(api, kek.id, api.send<Target>('POST', '/api-targets', body))
    out.answer(target, () => `Stored.\n\n${formatTarget(target, () => kek.name, out.columns)}`)
  } finally {
    body.fill(0)
  }
  out.note(`\nNext: ${out.hasp} vkey issue --name my-agent --targets all`)
}
