import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import type { GoogleEmulator } from '#emulators/google/google-emulator.ts'
import type { Seed } from '#emulators/google/control/inputs.ts'
import type { Planted } from '#emulators/google/control/seed.ts'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'
import type { CliIo } from '#cli/io.ts'
import { asTyped } from '#cli/output/as-typed.ts'
import { Output } from '#cli/output/output.ts'
import { parsePort } from '#cli/parse/options.ts'
import { readSeed } from './read-seed.ts'
import { emulatorHost, runUntilSignal } from './run-until-signal.ts'

type Options = OutputOptions & Readonly<{ port: number; location: string; seed?: string; auditLog?: string }>

/** Hasp's project with the service account that it runs as, and a customer's with a key. */
const seedIn = (location: string): Seed => ({
  projects: [
    { projectId: 'hasp-service', serviceAccounts: [{ name: 'hasp-runs' }] },
    { projectId: 'customer-one', keys: [{ location, cryptoKey: 'kek' }] },
  ],
})

/** `hasp emulate google` */
export function addEmulateGoogle(group: Command, cli: Cli): void {
  addCommand(group, 'google', {
    summary: 'Emulate Google Cloud KMS, with IAM, identity pools, key versions and Cloud Audit Logs.',
    details:
      'Without --seed it holds a project with the service account that Hasp runs as, and a customer’s with a key. It prints the environment for hasp serve, and the steps of the customer. The files that the environment names end with it.',
    examples: [
      'hasp emulate google',
      'hasp emulate gcp --port 0 --audit-log entries.ndjson',
      'hasp emulate google --seed projects.json --json',
    ],
  })
    .alias('gcp')
    .option('--port <port>', 'where to listen; 0 takes a free port', parsePort, 4704)
    .addOption(
      new Option('--location <location>', 'where its key is; a seed says so itself')
        .default('europe-west3')
        .conflicts('seed'),
    )
    .option('--seed <file>', 'JSON: the projects to start with (docs/emulators.md)')
    .option('--audit-log <file>', 'append each LogEntry to this file, one JSON a line')
    .action((options: Options) => emulateGoogle(cli.io, options))
}

async function emulateGoogle(io: CliIo, options: Options): Promise<void> {
  const out = new Output(io, options.json === true)
  const { auditLog, location } = options
  const { Seed } = await import('#emulators/google/control/inputs.ts')
  const seed = options.seed === undefined ? seedIn(location) : await readSeed(options.seed, Seed)
  await runUntilSignal(
    io,
    () => start(seed, options),
    ({ emulator, environment, planted }) => {
      const { keys, projects } = planted
      const serviceAccounts = planted.serviceAccounts.map(({ email, uniqueId }) => ({ email, uniqueId }))
      out.answer({ url: emulator.url, environment, projects, serviceAccounts, keys }, () =>
        asTyped(describe(emulator, environment, planted, auditLog), out.hasp),
      )
    },
  )
}

type Running = AsyncDisposable &
  Readonly<{ emulator: GoogleEmulator; environment: Record<string, string>; planted: Planted }>

/** The emulator, and the two files that a client of it needs: the key of Hasp's account and the certificate. */
async function start(seed: Seed, { auditLog, port }: Options): Promise<Running> {
  const { startGoogleEmulator } = await import('#emulators/google/google-emulator.ts')
  const { plantSeed } = await import('#emulators/google/control/seed.ts')
  await using stack = new AsyncDisposableStack()
  const log = auditLog === undefined ? {} : { auditLog: { ndjsonPath: auditLog } }
  const emulator = stack.use(await startGoogleEmulator({ host: emulatorHost, port, ...log }))
  const planted = plantSeed(emulator.control, seed)
  const directory = await mkdtemp(join(tmpdir(), 'hasp-emulated-google-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const environment = await writeFiles(directory, emulator, planted)
  const owned = stack.move()
  return { emulator, environment, planted, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What makes Hasp the first service account that was planted. */
async function writeFiles(
  directory: string,
  { ca, grpcEndpoint, url }: GoogleEmulator,
  { serviceAccounts }: Planted,
): Promise<Record<string, string>> {
  const caFile = join(directory, 'ca.pem')
  await writeFile(caFile, ca)
  const environment = {
    HASP_GCP_KMS_ENDPOINT: grpcEndpoint,
    HASP_GCP_AUTH_ENDPOINT: url,
    HASP_GCP_CA_FILE: caFile,
  }
  const [account] = serviceAccounts
  if (account === undefined) return environment
  const credentialsFile = join(directory, 'credentials.json')
  await writeFile(credentialsFile, JSON.stringify(account.keyFile), { mode: 0o600 })
  return {
    HASP_GCP_CREDENTIALS_FILE: credentialsFile,
    HASP_GCP_SERVICE_ACCOUNT: account.email,
    HASP_GCP_SERVICE_ACCOUNT_ID: account.uniqueId,
    ...environment,
  }
}

function describe(
  { url }: GoogleEmulator,
  environment: Record<string, string>,
  { keys, projects }: Planted,
  auditLog: string | undefined,
): string {
  const exports = Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`)
  const keyName = keys[0]?.keyName
  const customer = projects.find(({ projectId }) => keyName?.startsWith(`projects/${projectId}/`))
  const isHaspPlanted = environment['HASP_GCP_SERVICE_ACCOUNT'] !== undefined
  const steps =
    keyName === undefined || customer === undefined || !isHaspPlanted
      ? ''
      : `\n\n${customerSteps(url, customer, keyName)}`
  return `Google Cloud KMS is emulated at ${url} (gRPC over TLS on the same port). Ctrl-C ends it, and everything in it.

For the terminal of 'hasp serve':

${exports.join('\n')}${steps}

${
  auditLog === undefined
    ? "To see what Cloud Audit Logs would show, start it with '--audit-log entries.ndjson': one entry for each call."
    : `The LogEntry of each call is appended to ${auditLog}, of Data Access once it is switched on: look there for the KMS REQUEST of 'hasp receipts'.`
}`
}

/** Registers the key, puts the grant in place and proves it: each line as it is to be typed. */
function customerSteps(
  url: string,
  { projectId, projectNumber }: Planted['projects'][number],
  keyName: string,
): string {
  const provider = `projects/${projectNumber}/locations/global/workloadIdentityPools/hasp-pool/providers/hasp`
  const control = `curl -sS --fail-with-body -H 'content-type: application/json' ${url}/_emulator`
  return `For the terminal of its customer (HASP_URL and HASP_TOKEN set):

  hasp kek register --provider gcp --name google --key-name ${keyName} --identity-provider ${provider} --file grant-google
  ${control}/create-identity-provider -d @grant-google/provider-in-the-workload-identity-pool.json
  ${control}/add-binding -d '{"resource":"${keyName}","binding":'"$(cat grant-google/binding-for-the-iam-policy-of-the-key.json)"'}'
  ${control}/log-data-access -d '{"projectId":"${projectId}"}'
  hasp kek verify google

Take the padlock away, and give it back:

  ${control}/set-version-state -d '{"keyName":"${keyName}","state":"DISABLED"}'
  ${control}/set-version-state -d '{"keyName":"${keyName}","state":"ENABLED"}'`
}
