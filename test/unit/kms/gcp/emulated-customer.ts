import { GcpClients, type GcpDeployment } from '#kms/gcp/gcp-clients.ts'
import { type GcpKek, GcpKekProvider } from '#kms/gcp/gcp-kek-provider.ts'
import { startGoogleProject } from '../../../support/google-project.ts'

export type Shape = 'service-account' | 'federated'

export const ROLE = 'roles/cloudkms.cryptoKeyEncrypterDecrypter'
export const AUDIENCE = 'hasp-01980f3e-7a00-7000-8000-0000000000aa'

/**
 * Hasp's project and a customer's in an emulated Google Cloud, with a KEK granted either way: to Hasp's service
 * account, or to the identity that the customer's own pool lets in for our audience.
 */
export async function startEmulatedCustomer(deployment: GcpDeployment = {}) {
  await using stack = new AsyncDisposableStack()
  const hasp = stack.use(await startGoogleProject())
  const { control, emulator, own } = hasp
  const customer = control.createProject({ projectId: 'customer-one' })
  const identityProvider = control.createIdentityProvider({
    name: `projects/${customer.projectNumber}/locations/global/workloadIdentityPools/hasp-pool/providers/hasp`,
    oidc: { issuerUri: 'https://accounts.google.com', allowedAudiences: [AUDIENCE] },
    attributeCondition: `assertion.sub == '${own.uniqueId}'`,
  }).name
  const federated = `principal://iam.googleapis.com/projects/${customer.projectNumber}/locations/global/workloadIdentityPools/hasp-pool/subject/${own.uniqueId}`
  const members = { 'service-account': `serviceAccount:${own.email}`, federated }
  const createKey = (cryptoKey: string, more: object = {}) => {
    const { keyName } = control.createKey({ projectId: 'customer-one', cryptoKey, ...more })
    control.addBinding({ resource: keyName, binding: { role: ROLE, members: Object.values(members) } })
    return keyName
  }
  const keyName = createKey('kek')

  const reach: GcpDeployment = { ...hasp.reach, ...deployment }
  const clients = stack.use(new GcpClients(reach))
  const kekOf = (shape: Shape, name = keyName): GcpKek => ({
    keyName: name,
    federation: shape === 'federated' ? { identityProvider, audience: AUDIENCE } : null,
  })
  const owned = stack.move()
  return {
    emulator,
    control,
    own,
    customer,
    members,
    identityProvider,
    keyName,
    createKey,
    credentialsFile: hasp.reach.credentialsFile,
    reach,
    clients,
    clientsOf: (more: GcpDeployment = {}) => owned.use(new GcpClients({ ...reach, ...more })),
    kekOf,
    provider: (shape: Shape, name?: string) => new GcpKekProvider(kekOf(shape, name), clients),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export type EmulatedCustomer = Awaited<ReturnType<typeof startEmulatedCustomer>>
