import type { GoogleEmulator } from '#emulators/google/google-emulator.ts'
import { startGoogleProject } from './google-project.ts'
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
  const { control, emulator, own, reach, ...hasp } = await startGoogleProject()
  let customers = 0
  return {
    emulator,
    env: {
      HASP_GCP_CREDENTIALS_FILE: reach.credentialsFile,
      HASP_GCP_SERVICE_ACCOUNT: own.email,
      HASP_GCP_SERVICE_ACCOUNT_ID: own.uniqueId,
      HASP_GCP_KMS_ENDPOINT: reach.kmsEndpoint,
      HASP_GCP_AUTH_ENDPOINT: reach.authEndpoint,
      HASP_GCP_CA_FILE: reach.caFile,
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
    [Symbol.asyncDispose]: () => hasp[Symbol.asyncDispose](),
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
