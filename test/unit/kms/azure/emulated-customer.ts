import { startAzureEmulator } from '#emulators/azure/azure-emulator.ts'
import { AzureClients, type AzureDeployment } from '#kms/azure/azure-clients.ts'
import { AzureKekProvider } from '#kms/azure/azure-kek-provider.ts'

export type StoreKind = 'vault' | 'managed-hsm'

const ROLES = {
  vault: 'Key Vault Crypto Service Encryption User',
  'managed-hsm': 'Managed HSM Crypto Service Encryption User',
} as const

export const ISSUER = 'https://cluster.example/'
export const SUBJECT = 'system:serviceaccount:hasp:hasp'

/**
 * Hasp's tenant with its multi-tenant application, and a customer's that consented to it and has a store, in an
 * emulated Azure. Nothing is granted. Hasp proves itself by a federated token, as it should in production.
 */
export async function startConsentedTenant(kind: StoreKind) {
  const emulator = await startAzureEmulator()
  const { control } = emulator
  const home = control.createTenant()
  const own = control.createApplication({ tenantId: home.tenantId, name: 'hasp' })
  control.createIssuer({ issuer: ISSUER })
  control.addFederatedCredential({ clientId: own.clientId, issuer: ISSUER, subject: SUBJECT })
  const { tenantId } = control.createTenant()
  const { objectId } = control.consent({ tenantId, clientId: own.clientId })
  const store = control.createStore({ tenantId, name: 'customer-store', kind, isLogged: true })
  const clientsOf = (more: AzureDeployment = {}) =>
    new AzureClients({
      application: {
        clientId: own.clientId,
        kind: 'assertion',
        readAssertion: async () => control.issueAssertion({ issuer: ISSUER, subject: SUBJECT }).assertion,
      },
      homeTenantId: home.tenantId,
      connectTo: emulator.connectTo,
      ca: emulator.ca,
      // Fifty TLS handshakes at once take their time on a small machine.
      connectTimeoutMs: 20_000,
      callTimeoutMs: 20_000,
      hostNames: { exists: async (host) => emulator.connects(host) },
      ...more,
    })
  return { emulator, control, own, homeTenantId: home.tenantId, tenantId, objectId, store, clientsOf }
}

/** {@link startConsentedTenant}, with one key granted. */
export async function startEmulatedCustomer(kind: StoreKind = 'vault', deployment: AzureDeployment = {}) {
  const tenant = await startConsentedTenant(kind)
  const { control, emulator, objectId, store, tenantId } = tenant
  const grant = (keyName: string) =>
    control.assignRole({ objectId, role: ROLES[kind], store: store.host, keyName })
  const createKey = async (name: string) => {
    const { keyId } = await control.createKey({ store: store.host, name })
    return { keyId, ...grant(name) }
  }
  const kek = await createKey('kek')
  const clientsOf = (more: AzureDeployment = {}) => tenant.clientsOf({ ...deployment, ...more })
  const clients = clientsOf()
  return {
    ...tenant,
    keyId: kek.keyId,
    assignmentId: kek.assignmentId,
    createKey,
    grant,
    clients,
    clientsOf,
    provider: (keyId = kek.keyId, more?: AzureDeployment) =>
      new AzureKekProvider({ keyId, tenantId }, more === undefined ? clients : clientsOf(more)),
    async [Symbol.asyncDispose]() {
      await clients[Symbol.asyncDispose]()
      await emulator.stop()
    },
  }
}
