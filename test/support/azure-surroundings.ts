import { startAzureEmulator } from '#emulators/azure/azure-emulator.ts'
import type { AzureDeployment } from '#kms/azure/azure-clients.ts'

/** An emulated Azure with Hasp's multi-tenant application; customers come by {@link makeCustomer}. */
export async function startAzureSurroundings() {
  const emulator = await startAzureEmulator()
  const { control } = emulator
  const home = control.createTenant()
  const own = control.createApplication({ tenantId: home.tenantId, name: 'hasp' })
  const azure: AzureDeployment = {
    application: { clientId: own.clientId, kind: 'secret', readSecret: async () => own.clientSecret },
    homeTenantId: home.tenantId,
    connectTo: emulator.connectTo,
    ca: emulator.ca,
    hostNames: { exists: async (host) => emulator.connects(host) },
    // TLS handshakes take their time on a small machine.
    connectTimeoutMs: 20_000,
    callTimeoutMs: 20_000,
  }
  let customers = 0
  const makeCustomer = async () => {
    const { tenantId } = control.createTenant()
    const { objectId } = control.consent({ tenantId, clientId: own.clientId })
    customers += 1
    const { host } = control.createStore({ tenantId, name: `customer-${customers}`, isLogged: true })
    const { keyId } = await control.createKey({ store: host, name: 'kek' })
    const { assignmentId } = control.assignRole({
      objectId,
      role: 'Key Vault Crypto Service Encryption User',
      store: host,
      keyName: 'kek',
    })
    return { tenantId, objectId, host, keyId, assignmentId }
  }
  /** As only somebody who may write to the key can: by a tag that names the KEK. */
  const proveOwnership = (keyId: string, kekId: string) =>
    control.setKey({ keyId, tags: { 'hasp-kek': `hasp-${kekId}` } })
  return {
    emulator,
    azure,
    clientId: own.clientId,
    /** A customer's tenant that consented to Hasp, with a vault, its log turned on, and one key granted. */
    makeCustomer,
    proveOwnership,
    /** Registers the key of a new customer as KEK `main`. */
    async registerKek<Kek extends { id: string }>(register: (access: object) => Promise<Kek>): Promise<Kek> {
      const { keyId, tenantId } = await makeCustomer()
      const kek = await register({ name: 'main', provider: 'azure', keyId, tenantId })
      proveOwnership(keyId, kek.id)
      return kek
    },
    [Symbol.asyncDispose]: () => emulator.stop(),
  }
}
