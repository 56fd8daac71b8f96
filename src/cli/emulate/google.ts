import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { GoogleEmulator } from '#emulators/google/google-emulator.ts'
import type { Planted } from '#emulators/google/control/seed.ts'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'
import type { CliIo } from '#cli/io.ts'
import { asTyped } from '#cli/output/as-typed.ts'
import { Output } from '#cli/output/output.ts'
import { parsePort } from '#cli/parse/options.ts'
import { emulatorHost, runUntilSignal } from './run-until-signal.ts'

type Options = OutputOptions & Readonly<{ port: number; location: string; auditLog?: string }>

const haspProjectId = 'hasp-service'
const customerProjectId = 'customer-one'

/** `hasp emulate google` */
export function addEmulateGoogle(group: Command, cli: Cli): void {
  addCommand(group, 'google', {
    summary: 'Emulate Google Cloud KMS, with IAM, identity pools, key versions and Cloud Audit Logs.',
    details:
      'It holds a project with the service account that Hasp runs as, and a customer’s with a key. It prints the environment for hasp serve, and the steps of the customer. The files that the environment names end with it.',
    examples: ['hasp emulate google', 'hasp emulate gcp --port 0 --audit-log entries.ndjson'],
  })
    .alias('gcp')
    .option('--port <port>', 'where to listen; 0 takes a free port', parsePort, 4704)
    .option('--location <location>', 'where its key is', 'europe-west3')
    .option('--audit-log <file>', 'append each LogEntry to this file, one JSON a line')
    .action((options: Options) => emulateGoogle(cli.io, options))
}

async function emulateGoogle(io: CliIo, options: Options): Promise<void> {
  const out = new Output(io, options.json === true)
  const { auditLog } = options
  await runUntilSignal(
    io,
    () => start(options),
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
async function start({ auditLog, location, port }: Options): Promise<Running> {
  const { startGoogleEmulator } = await import('#emulators/google/google-emulator.ts')
  const { plantSeed } = await import('#emulators/google/control/seed.ts')
  await using stack = new AsyncDisposableStack()
  const log = auditLog === undefined ? {} : { auditLog: { ndjsonPath: auditLog } }
  const emulator = stack.use(await startGoogleEmulator({ host: emulatorHost, port, ...log }))
  const planted = plantSeed(emulator.control, {
    projects: [
      { projectId: haspProjectId, serviceAccounts: [{ name: 'hasp-runs' }] },
      { projectId: customerProjectId, keys: [{ location, cryptoKey: 'kek' }] },
    ],
  })
  const directory = await mkdtemp(join(tmpdir(), 'hasp-emulated-google-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const [account] = planted.serviceAccounts
  const credentialsFile = join(directory, 'credentials.json')
  const caFile = join(directory, 'ca.pem')
  await writeFile(credentialsFile, JSON.stringify(account?.keyFile), { mode: 0o600 })
  await writeFile(caFile, emulator.ca)
  const environment = {
    HASP_GCP_CREDENTIALS_FILE: credentialsFile,
    HASP_GCP_SERVICE_ACCOUNT: account?.email ?? '',
    HASP_GCP_SERVICE_ACCOUNT_ID: account?.uniqueId ?? '',
    HASP_GCP_KMS_ENDPOINT: emulator.grpcEndpoint,
    HASP_GCP_AUTH_ENDPOINT: emulator.url,
    HASP_GCP_CA_FILE: caFile,
  }
  const owned = stack.move()
  return { emulator, environment, planted, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function describe(
  { url }: GoogleEmulator,
  environment: Record<string, string>,
  { keys, projects }: Planted,
  auditLog: string | undefined,
): string {
  const exports = Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`)
  const number = projects.find(({ projectId }) => projectId === customerProjectId)?.projectNumber ?? ''
  const provider = `projects/${number}/locations/global/workloadIdentityPools/hasp-pool/providers/hasp`
  return `Google Cloud KMS is emulated at ${url} (gRPC over TLS on the same port). Ctrl-C ends it, and everything in it.

For the terminal of 'hasp serve':

${exports.join('\n')}

${customerSteps(url, provider, keys[0]?.keyName ?? '')}

${
  auditLog === undefined
    ? "To see what Cloud Audit Logs would show, start it with '--audit-log entries.ndjson': one entry for each call."
    : `The LogEntry of each call is appended to ${auditLog}, of Data Access once it is switched on: look there for the KMS REQUEST of 'hasp receipts'.`
}`
}

/** Registers the key, puts the grant in place and proves it: each line as it is to be typed. */
function customerSteps(url: string, provider: string, keyName: string): string {
  const control = `curl -fsS -H 'content-type: application/json' ${url}/_emulator`
  return `For the terminal of its customer (HASP_URL and HASP_TOKEN set):

  hasp kek register --provider gcp --name google --key-name ${keyName} --identity-provider ${provider} --file grant-google
  ${control}/create-identity-provider -d @grant-google/provider-in-the-workload-identity-pool.json
  ${control}/add-binding -d '{"resource":"${keyName}","binding":'"$(cat grant-google/binding-for-the-iam-policy-of-the-key.json)"'}'
  ${control}/log-data-access -d '{"projectId":"${customerProjectId}"}'
  hasp kek verify google

Take the padlock away, and give it back:

  ${control}/set-version-state -d '{"keyName":"${keyName}","state":"DISABLED"}'
  ${control}/set-version-state -d '{"keyName":"${keyName}","state":"ENABLED"}'`
}
