/**
 * CPU time of one unwrap in this process, over each transport, against the AWS emulator in a process of its own.
 * Run: `node bench/kms-unwrap.ts [calls]`. The figures depend on the machine; the ratios much less.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'
import { startGoogleEmulator } from '#emulators/google/google-emulator.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { generateDek } from '#envelope/record-key.ts'
import { AwsClients } from '#kms/aws/aws-clients.ts'
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import { GcpClients } from '#kms/gcp/gcp-clients.ts'
import { GcpKekProvider } from '#kms/gcp/gcp-kek-provider.ts'
import { GuardedKekProvider } from '#kms/guarded-kek-provider.ts'
import type { KekProvider } from '#kms/kek-provider.ts'

type Google = {
  keyName: string
  kmsEndpoint: string
  authEndpoint: string
  credentialsFile: string
  caFile: string
}
type Emulated = { url: string; keyArn: string; accessKeyId: string; secretAccessKey: string; google: Google }

const AT_ONCE = 16
const CONTEXT: EncryptionContext = {
  org: '01980f3e-7a00-7000-8000-000000000001',
  record: '01980f3e-7a00-7000-8000-000000000002',
  purpose: 'credential',
  provider: 'openai',
  environment: 'production',
  kek: '01980f3e-7a00-7000-8000-000000000003',
  generation: 1,
}

if (process.send === undefined) await measureAll(Number(process.argv[2] ?? 5_000))
else await emulate((emulated) => process.send?.(emulated))

async function measureAll(calls: number): Promise<void> {
  const child = fork(import.meta.filename)
  try {
    // The child is this very file, and sends nothing else.
    const [emulated] = (await once(child, 'message')) as [Emulated]
    const sdk = await measure(calls, (clients, kek) => new AwsKekProvider(kek, clients), emulated, 'sdk')
    const bytes = await measure(calls, (clients, kek) => new AwsKekProvider(kek, clients), emulated, 'bytes')
    const guarded = await measure(
      calls,
      (clients, kek) => new GuardedKekProvider(new AwsKekProvider(kek, clients)),
      emulated,
      'bytes',
    )
    print('SDK', sdk, bytes)
    print('bytes', bytes, bytes)
    print('bytes, guarded', guarded, bytes)
    print('Google, gRPC', await measureGoogle(calls, emulated.google), bytes)
  } finally {
    child.kill()
  }
}

/** Microseconds of CPU for each unwrap, the least of three rounds. */
async function measure(
  calls: number,
  open: (clients: AwsClients, kek: ConstructorParameters<typeof AwsKekProvider>[0]) => KekProvider,
  { url, keyArn, accessKeyId, secretAccessKey }: Emulated,
  dekTransport: 'bytes' | 'sdk',
): Promise<number> {
  await using clients = new AwsClients({
    kmsEndpoint: () => url,
    ownCredentials: async () => ({ accessKeyId, secretAccessKey }),
    dekTransport,
  })
  return await cpuOf(calls, open(clients, { kekId: CONTEXT.kek, keyArn, roleArn: null, externalId: '' }))
}

async function measureGoogle(calls: number, { keyName, ...reach }: Google): Promise<number> {
  await using clients = new GcpClients(reach)
  return await cpuOf(calls, new GcpKekProvider({ keyName, federation: null }, clients))
}

async function cpuOf(calls: number, provider: KekProvider): Promise<number> {
  using dek = generateDek()
  const { wrappedDek } = await provider.wrap(dek, CONTEXT)
  const run = async (count: number) => {
    let left = count
    const worker = async () => {
      while (left-- > 0) (await provider.unwrap(wrappedDek, CONTEXT)).dek[Symbol.dispose]()
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
  await run(calls)
  const rounds: number[] = []
  for (let round = 0; round < 3; round++) {
    const before = process.cpuUsage()
    await run(calls)
    const { user, system } = process.cpuUsage(before)
    rounds.push((user + system) / calls)
  }
  return Math.min(...rounds)
}

async function emulate(ready: (emulated: Emulated) => void): Promise<void> {
  const { url, control } = await startAwsEmulator()
  process.once('disconnect', () => process.exit())
  process.once('SIGTERM', () => process.exit())
  const { accountId, accessKey } = control.createAccount()
  const google = await emulateGoogle()
  ready({ url, keyArn: control.createKey({ accountId }).keyArn, google, ...accessKey })
}

async function emulateGoogle(): Promise<Google> {
  const { ca, control, grpcEndpoint, url } = await startGoogleEmulator()
  control.createProject({ projectId: 'bench-project' })
  const account = control.createServiceAccount({ projectId: 'bench-project', name: 'hasp-runs' })
  const { keyName } = control.createKey({ projectId: 'bench-project', cryptoKey: 'kek' })
  const role = 'roles/cloudkms.cryptoKeyEncrypterDecrypter'
  control.addBinding({ resource: keyName, binding: { role, members: [`serviceAccount:${account.email}`] } })
  const directory = mkdtempSync(join(tmpdir(), 'hasp-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true }))
  const credentialsFile = join(directory, 'credentials.json')
  const caFile = join(directory, 'ca.pem')
  writeFileSync(credentialsFile, JSON.stringify(account.keyFile), { mode: 0o600 })
  writeFileSync(caFile, ca)
  return { keyName, kmsEndpoint: grpcEndpoint, authEndpoint: url, credentialsFile, caFile }
}

function print(name: string, microseconds: number, base: number): void {
  console.log(
    `${name.padEnd(16)} ${microseconds.toFixed(1).padStart(7)} µs CPU per unwrap   ×${(microseconds / base).toFixed(2)}`,
  )
}
