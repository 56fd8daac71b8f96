import type { Command } from 'commander'
import type { AwsEmulator } from '#emulators/aws/aws-emulator.ts'
import type { Planted } from '#emulators/aws/control/seed.ts'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'
import type { CliIo } from '#cli/io.ts'
import { asTyped } from '#cli/output/as-typed.ts'
import { Output } from '#cli/output/output.ts'
import { parsePort } from '#cli/parse/options.ts'
import { readSeed } from './read-seed.ts'
import { emulatorHost, runUntilSignal } from './run-until-signal.ts'

type Options = OutputOptions & Readonly<{ port: number; region: string; seed?: string; auditLog?: string }>

/** `hasp emulate aws` */
export function addEmulateAws(group: Command, cli: Cli): void {
  addCommand(group, 'aws', {
    summary: 'Emulate AWS KMS and STS, with policies, key states and CloudTrail records.',
    details:
      'Without --seed it holds an account for Hasp, and a customer account with a role and a key. It prints the environment for hasp serve, and the steps of the customer.',
    examples: [
      'hasp emulate aws',
      'hasp emulate aws --port 0 --audit-log trail.ndjson',
      'hasp emulate aws --seed accounts.json --json',
    ],
  })
    .option('--port <port>', 'where to listen; 0 takes a free port', parsePort, 4701)
    .option('--region <region>', 'where its keys are', 'eu-central-1')
    .option('--seed <file>', 'JSON: the accounts to start with (docs/emulators.md)')
    .option('--audit-log <file>', 'append each CloudTrail record to this file, one JSON a line')
    .action((options: Options) => emulateAws(cli.io, options))
}

async function emulateAws(io: CliIo, options: Options): Promise<void> {
  const out = new Output(io, options.json === true)
  const { port, region, auditLog } = options
  const { defaultSeed } = await import('./seed.ts')
  const { Seed } = await import('#emulators/aws/control/inputs.ts')
  const seed = options.seed === undefined ? defaultSeed : await readSeed(options.seed, Seed)
  const { startAwsEmulator } = await import('#emulators/aws/aws-emulator.ts')
  const { plantSeed } = await import('#emulators/aws/control/seed.ts')
  const log = auditLog === undefined ? {} : { auditLog: { ndjsonPath: auditLog } }
  await runUntilSignal(
    io,
    () => startAwsEmulator({ host: emulatorHost, port, region, ...log }),
    (emulator) => {
      const planted = plantSeed(emulator.control, seed)
      const environment = environmentFor(emulator, region, planted)
      out.answer({ url: emulator.url, environment, ...planted }, () =>
        asTyped(describe(emulator.url, environment, planted, auditLog), out.hasp),
      )
    },
  )
}

/** What makes Hasp, or any AWS SDK, talk to the emulator as the first user that was planted. */
function environmentFor({ url }: AwsEmulator, region: string, { users }: Planted): Record<string, string> {
  const [user] = users
  return {
    AWS_ENDPOINT_URL_KMS: url,
    AWS_ENDPOINT_URL_STS: url,
    AWS_REGION: region,
    ...(user === undefined
      ? {}
      : {
          AWS_ACCESS_KEY_ID: user.accessKey.accessKeyId,
          AWS_SECRET_ACCESS_KEY: user.accessKey.secretAccessKey,
          HASP_AWS_PRINCIPAL_ARN: user.arn,
        }),
  }
}

function describe(
  url: string,
  environment: Record<string, string>,
  { roles, keys }: Planted,
  auditLog: string | undefined,
): string {
  const exports = Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`)
  const [role] = roles
  const [kmsKey] = keys
  const steps =
    role === undefined || kmsKey === undefined ? '' : `\n\n${customerSteps(url, role.arn, kmsKey.keyArn)}`
  return `AWS KMS and STS are emulated at ${url}. Ctrl-C ends it, and everything in it.

For the terminal of 'hasp serve':

${exports.join('\n')}${steps}

${
  auditLog === undefined
    ? "To see what CloudTrail would show, start it with '--audit-log trail.ndjson': one record for each call."
    : `CloudTrail's record of each call is appended to ${auditLog}: look there for the KMS REQUEST of 'hasp receipts'.`
}`
}

/** Registers the key, puts the grant in place and proves it: each line as it is to be typed. */
function customerSteps(url: string, roleArn: string, keyArn: string): string {
  const control = `curl -sS --fail-with-body ${url}/_emulator`
  return `For the terminal of its customer (HASP_URL and HASP_TOKEN set):

  hasp kek register --provider aws --name aws --key-arn ${keyArn} --role-arn ${roleArn} --file grant-aws
  ${control}/put-trust-policy -H 'content-type: application/json' -d '{"roleArn":"${roleArn}","trustPolicy":'"$(cat grant-aws/trust-policy-of-the-role.json)"'}'
  ${control}/put-policies -H 'content-type: application/json' -d '{"principalArn":"${roleArn}","policies":['"$(cat grant-aws/permissions-policy-of-the-role.json)"']}'
  hasp kek verify aws

Take the padlock away, and give it back:

  ${control}/set-key-state -H 'content-type: application/json' -d '{"keyId":"${keyArn}","state":"Disabled"}'
  ${control}/set-key-state -H 'content-type: application/json' -d '{"keyId":"${keyArn}","state":"Enabled"}'`
}
