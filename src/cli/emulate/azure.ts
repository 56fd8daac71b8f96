import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import type { AzureEmulator } from '#emulators/azure/azure-emulator.ts'
import type { Planted } from '#emulators/azure/control/seed.ts'
import type { Seed } from '#emulators/azure/control/inputs.ts'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'
import type { CliIo } from '#cli/io.ts'
import { asTyped } from '#cli/output/as-typed.ts'
import { Output } from '#cli/output/output.ts'
import { parsePort } from '#cli/parse/options.ts'
import { readSeed } from './read-seed.ts'
import { emulatorHost, runUntilSignal } from './run-until-signal.ts'

type Options = OutputOptions & Readonly<{ port: number; hsm?: boolean; seed?: string; auditLog?: string }>

/** Hasp's tenant with its application, and a customer's with a vault (or HSM) whose log is on. */
const seedWith = (kind: 'vault' | 'managed-hsm'): Seed => ({
  tenants: [
    { applications: [{ name: 'hasp' }] },
    { stores: [{ name: 'emulated', kind, isLogged: true, keys: [{ name: 'kek' }] }] },
  ],
})

/** `hasp emulate azure` */
export function addEmulateAzure(group: Command, cli: Cli): void {
  addCommand(group, 'azure', {
    summary:
      'Emulate Azure: Entra, Key Vault and Managed HSM, with roles, key states and AuditEvent records.',
    details:
      'Speaks TLS under Azure’s own host names. Without --seed it holds a tenant for Hasp, and a customer’s with a vault and a key. It prints the environment for hasp serve, and the steps of the customer. The files that the environment names end with it.',
    examples: [
      'hasp emulate azure',
      'hasp emulate azure --hsm --audit-log audit.ndjson',
      'hasp emulate azure --port 0 --seed tenants.json --json',
    ],
  })
    .option('--port <port>', 'where to listen; 0 takes a free port', parsePort, 4705)
    .addOption(
      new Option('--hsm', 'a Managed HSM in place of the vault; a seed says so itself').conflicts('seed'),
    )
    .option('--seed <file>', 'JSON: the tenants to start with (docs/emulators.md)')
    .option('--audit-log <file>', 'append each AuditEvent record to this file, one JSON a line')
    .action((options: Options) => emulateAzure(cli.io, options))
}

async function emulateAzure(io: CliIo, options: Options): Promise<void> {
  const out = new Output(io, options.json === true)
  const { Seed } = await import('#emulators/azure/control/inputs.ts')
  const seed =
    options.seed === undefined
      ? seedWith(options.hsm === true ? 'managed-hsm' : 'vault')
      : await readSeed(options.seed, Seed)
  await runUntilSignal(
    io,
    () => start(seed, options),
    ({ emulator: { url }, environment, planted }) =>
      out.answer({ url, environment, ...planted }, () =>
        asTyped(describe(url, environment, planted, options.auditLog), out.hasp),
      ),
  )
}

type Running = AsyncDisposable &
  Readonly<{ emulator: AzureEmulator; environment: Record<string, string>; planted: Planted }>

/** The emulator, and the two files that Hasp needs: the certificate and its application's secret. */
async function start(seed: Seed, { port, auditLog }: Options): Promise<Running> {
  const { startAzureEmulator } = await import('#emulators/azure/azure-emulator.ts')
  const { plantSeed } = await import('#emulators/azure/control/seed.ts')
  await using stack = new AsyncDisposableStack()
  const log = auditLog === undefined ? {} : { auditLog: { ndjsonPath: auditLog } }
  const emulator = stack.use(await startAzureEmulator({ host: emulatorHost, port, ...log }))
  const planted = await plantSeed(emulator.control, seed)
  const directory = await mkdtemp(join(tmpdir(), 'hasp-emulated-azure-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const environment = await writeFiles(directory, emulator, planted)
  const owned = stack.move()
  return { emulator, environment, planted, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What makes Hasp the first application that was planted. */
async function writeFiles(
  directory: string,
  { ca, host, port }: AzureEmulator,
  { tenants }: Planted,
): Promise<Record<string, string>> {
  const caFile = join(directory, 'ca.pem')
  await writeFile(caFile, ca)
  const home = tenants.find(({ applications }) => applications.length > 0)
  const [application] = home?.applications ?? []
  const environment = { HASP_AZURE_CONNECT_TO: `${host}:${port}`, HASP_AZURE_CA_FILE: caFile }
  if (home === undefined || application === undefined) return environment
  const secretFile = join(directory, 'client-secret')
  await writeFile(secretFile, application.clientSecret, { mode: 0o600 })
  return {
    ...environment,
    HASP_AZURE_CLIENT_ID: application.clientId,
    HASP_AZURE_TENANT_ID: home.tenantId,
    HASP_AZURE_CLIENT_SECRET_FILE: secretFile,
  }
}

function describe(
  url: string,
  environment: Record<string, string>,
  { tenants }: Planted,
  auditLog: string | undefined,
): string {
  const exports = Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`)
  const customer = tenants.find(({ stores }) => stores.some(({ keyIds }) => keyIds.length > 0))
  const [store] = customer?.stores ?? []
  const clientId = environment['HASP_AZURE_CLIENT_ID']
  const steps =
    customer === undefined || store === undefined || clientId === undefined
      ? ''
      : `\n\n${customerSteps({ url, caFile: environment['HASP_AZURE_CA_FILE'] ?? '', clientId, tenantId: customer.tenantId, ...store })}`
  return `Entra, Key Vault and Managed HSM are emulated at ${url}. Ctrl-C ends it, and everything in it.

For the terminal of 'hasp serve':

${exports.join('\n')}${steps}

${
  auditLog === undefined
    ? "To see what Azure would log, start it with '--audit-log audit.ndjson': one AuditEvent for each call."
    : `The AuditEvent of each call is appended to ${auditLog}: look there for the KMS REQUEST of 'hasp receipts'.`
}`
}

/** Registers the key, puts the grant in place and proves it: each line as it is to be typed. */
function customerSteps(
  at: Readonly<{
    url: string
    caFile: string
    clientId: string
    tenantId: string
    host: string
    keyIds: readonly string[]
  }>,
): string {
  const { url, caFile, clientId, tenantId, host } = at
  const keyId = at.keyIds[0] ?? ''
  const keyName = keyId.split('/').at(-2) ?? ''
  const role = `${host.includes('.managedhsm.') ? 'Managed HSM' : 'Key Vault'} Crypto Service Encryption User`
  const control = (command: string, input: string) =>
    `curl -sS --fail-with-body --cacert ${caFile} ${url}/_emulator/${command} -H 'content-type: application/json' -d '${input}'`
  return `For the terminal of its customer (HASP_URL and HASP_TOKEN set):

  hasp kek register --provider azure --name azure --key-id ${keyId} --tenant-id ${tenantId} --file grant-azure
  ${control('grant', `{"tenantId":"${tenantId}","clientId":"${clientId}","role":"${role}","store":"${host}","keyName":"${keyName}"}`)}
  ${control('set-key', `{"keyId":"${keyId}","tags":'"$(cat grant-azure/tag-of-the-key.json)"'}`)}
  hasp kek verify azure

Take the padlock away, and give it back:

  ${control('set-key', `{"keyId":"${keyId}","isEnabled":false}`)}
  ${control('set-key', `{"keyId":"${keyId}","isEnabled":true}`)}`
}
