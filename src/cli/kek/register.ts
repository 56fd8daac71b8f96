import type { Command } from 'commander'
import type { Kek, Verification } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { shellWord } from '#cli/output/words.ts'
import { ask } from '#cli/terminal/ask.ts'
import { isInteractive } from '#cli/terminal/terminal.ts'
import { makeDirectory } from '#config/make-directory.ts'
import { accessOf, withAccessOptions, type AccessOptions } from './access-options.ts'
import { formatGrant, formatKek } from './format-kek.ts'
import { rulesOf, withRules, type RuleOptions } from './rules.ts'
import { warnOfSharedRole } from './shared-role.ts'
import { reportVerification } from './verify.ts'
import { writeDocuments } from './write-documents.ts'

type Options = OutputOptions &
  AccessOptions &
  RuleOptions &
  Readonly<{
    name: string
    provider: string
    verify?: boolean
    file?: string
  }>

/** `hasp kek register` */
export function addKekRegister(group: Command, cli: Cli): void {
  const command = addCommand(group, 'register', {
    summary: 'Note a KEK of yours down, and learn what to grant for it.',
    details:
      'Prints the policies to put in place on your side, filled in. Then prove the grant with --verify or hasp kek verify. A KEK of provider local is a file on the machine that runs Hasp: good for trying it out, not customer-held.',
    examples: [
      'hasp kek register --provider local --name trial --verify',
      'hasp kek register --provider aws --name prod --key-arn arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab --role-arn arn:aws:iam::111122223333:role/hasp --file grant/',
      'hasp kek register --provider gcp --name prod --key-name projects/acme-prod/locations/europe-west3/keyRings/hasp/cryptoKeys/kek --identity-provider projects/123456789012/locations/global/workloadIdentityPools/hasp-pool/providers/hasp --file grant/',
      'hasp kek register --provider azure --name prod --key-id https://contoso.vault.azure.net/keys/hasp/78deebed173b48e48f55abf87ed4cf71 --tenant-id 9c1d4a2e-0f6b-4b7e-8f53-0d8f6e1c2a77',
    ],
  })
    .requiredOption('--name <name>', 'what to call it')
    .requiredOption('--provider <provider>', 'aws, azure, gcp, or local on one machine')
    .option('--verify', 'prove the grant at once; at a terminal, after you have put it in place')
    .option('--file <dir>', 'write the documents into this directory as well')
  withRules(withAccessOptions(command)).action(withSession(cli, register))
}

async function register(session: Session, options: Options): Promise<void> {
  const { api, out, io } = session
  const { name, provider, file } = options
  const access = accessOf(provider, options)
  // Before anything is registered: what can not be written should not be found out later.
  if (file !== undefined) await makeDirectory(file, 0o777)
  const kek = await api.send<Kek>('POST', '/keks', { name, provider, ...access, ...rulesOf(options) })
  const files = file === undefined ? [] : await writeDocuments(file, kek)

  if (options.verify !== true) {
    out.answer(kek, () => registered(kek, files, out.hasp))
    return warnOfSharedRole(session, kek)
  }
  if (out.isJson) {
    const { kek: after, ...verification } = await api.send<Verification>('POST', `/keks/${kek.id}/verify`)
    return reportVerification(session, { kek: after, ...verification }, { ...kek, ...after, verification })
  }
  out.answer(kek, () => `${registered(kek, files, null)}\n`)
  await warnOfSharedRole(session, kek)
  if ((kek.grant?.documents.length ?? 0) > 0 && isInteractive(io)) {
    await ask(io, 'Put this in place, then press Enter to verify it. ')
  }
  await reportVerification(session, await api.send<Verification>('POST', `/keks/${kek.id}/verify`))
}

/** @param hasp what people type for it, where the next step is to be named. */
function registered(kek: Kek, files: readonly string[], hasp: string | null): string {
  return [
    `Registered.\n\n${formatKek(kek)}`,
    ...(kek.grant === undefined ? [] : [formatGrant(kek.grant)]),
    ...(files.length === 0 ? [] : [`Written:\n${files.map((path) => `  ${path}`).join('\n')}`]),
    ...(hasp === null || kek.grant?.terraform === undefined
      ? []
      : [
          `As Terraform: ${hasp} kek grant ${shellWord(kek.name)} --format terraform\nAs commands:  ${hasp} kek grant ${shellWord(kek.name)} --format cli\nFor whoever grants, without an account: ${hasp} kek link ${shellWord(kek.name)}`,
        ]),
    ...(hasp === null ? [] : [`Next: ${hasp} kek verify ${shellWord(kek.name)}`]),
  ].join('\n\n')
}
