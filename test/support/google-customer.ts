import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGoogleEmulator, type GoogleEmulator } from '#emulators/google/google-emulator.ts'
import type { AnyJson } from './running-hasp.ts'

/** An emulated Google Cloud with Hasp's project and the customers', each with its data access log on. */
export type GoogleCustomers = AsyncDisposable &
  Readonly<{
    emulator: GoogleEmulator
    /** What makes Hasp reach it, as its own service account. */
    env: Record<string, string>
    /** A customer's project with a key and an identity provider; the grant follows once Hasp has told its audience. */
    registerKek: (
      register: (access: object) => Promise<AnyJson>,
      wish?: { protectionLevel?: 'SOFTWARE' | 'HSM' },
    ) => Promise<AnyJson>
  }>

const role = 'roles/cloudkms.cryptoKeyEncrypterDecrypter'

export async function startGoogleCustomers(): Promise<GoogleCustomers> {
  await using stack = new AsyncDisposableStack()
  const emulator = stack.use(await startGoogleEmulator())
  const { control } = emulator
  control.createProject({ projectId: 'hasp-service' })
  const own = control.createServiceAccount({ projectId: 'hasp-service', name: 'hasp-runs' })
  const directory = await mkdtemp(join(tmpdir(), 'hasp-gcp-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const credentialsFile = join(directory, 'credentials.json')
  const caFile = join(directory, 'ca.pem')
  await writeFile(credentialsFile, JSON.stringify(own.keyFile), { mode: 0o600 })
  await writeFile(caFile, emulator.ca)
  let customers = 0
  const owned = stack.move()
  return {
    emulator,
    env: {
      HASP_GCP_CREDENTIALS_FILE: credentialsFile,
      HASP_GCP_SERVICE_ACCOUNT: own.email,
      HASP_GCP_SERVICE_ACCOUNT_ID: own.uniqueId,
      HASP_GCP_KMS_ENDPOINT: emulator.grpcEndpoint,
      HASP_GCP_AUTH_ENDPOINT: emulator.url,
      HASP_GCP_CA_FILE: caFile,
    },
    async registerKek(register, wish = {}) {
      customers += 1
      const projectId = `customer-${customers}`
      const { projectNumber } = control.createProject({ projectId })
      control.logDataAccess({ projectId })
      const { keyName } = control.createKey({ projectId, cryptoKey: 'kek', ...wish })
      const pool = `projects/${projectNumber}/locations/global/workloadIdentityPools/hasp-pool`
      const kek = await register({
        name: 'main',
        provider: 'gcp',
        keyName,
        identityProvider: `${pool}/providers/hasp`,
      })
      putGrant(emulator, kek)
      return kek
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Puts in place exactly what Hasp's documents say, read back from them. */
function putGrant({ control }: GoogleEmulator, kek: AnyJson): void {
  const documents: { title: string; body: string }[] = kek.grant.documents
  const bodyOf = (title: string): AnyJson =>
    JSON.parse(documents.find((document) => document.title.startsWith(title))?.body ?? 'null')
  control.createIdentityProvider(bodyOf('Provider'))
  const binding = bodyOf('Binding')
  if (binding.role !== role) throw new Error(`Hasp asks for ${binding.role}.`)
  control.addBinding({ resource: kek.kekRef, binding })
}
