import { ClientSecretCredential } from '@azure/identity'
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys'
import { Agent, request } from 'undici'
import { startAzureEmulator, type AzureEmulatorOptions } from '#emulators/azure/azure-emulator.ts'
import { azureSdkOptions } from '../../../support/azure-sdk-options.ts'

/** An emulated Azure with a provider's tenant and a customer's: its owner, a vault and an HSM, and the SDKs for both. */
export async function startTwoTenants(options: AzureEmulatorOptions = {}) {
  const emulator = await startAzureEmulator(options)
  const { control } = emulator
  const provider = control.createTenant()
  const guest = control.createApplication({ tenantId: provider.tenantId, name: 'guest' })
  const { tenantId } = control.createTenant()
  const owner = control.createApplication({ tenantId, name: 'owner' })
  const consented = control.consent({ tenantId, clientId: guest.clientId })
  const vault = control.createStore({ tenantId, name: 'customer-vault', isLogged: true })
  const hsm = control.createStore({ tenantId, name: 'customer-hsm', kind: 'managed-hsm', isLogged: true })
  control.assignRole({
    objectId: owner.objectId,
    role: 'Key Vault Administrator',
    store: vault.host,
  })
  for (const role of ['Managed HSM Crypto User', 'Managed HSM Crypto Officer']) {
    control.assignRole({ objectId: owner.objectId, role, store: hsm.host })
  }
  const sdk = azureSdkOptions(emulator)
  const credentialOf = (application: { clientId: string; clientSecret: string }, tenant = tenantId) =>
    new ClientSecretCredential(tenant, application.clientId, application.clientSecret, sdk)
  const dispatcher = new Agent({ connect: { ca: emulator.ca, servername: vault.host } })
  return {
    emulator,
    control,
    tenantId,
    guest: { ...guest, objectId: consented.objectId },
    owner,
    vault,
    hsm,
    credentialOf,
    keysOf: (application: typeof owner, host = vault.host) =>
      new KeyClient(`https://${host}`, credentialOf(application), sdk),
    /** Remote only: a key without material, so that nothing is done locally. */
    cryptoOf: (application: typeof owner, keyId: string) => {
      const [, host = '', name = ''] = /^https:\/\/([^/]+)\/keys\/([^/]+)/.exec(keyId) ?? []
      const properties = { id: keyId, name, vaultUrl: `https://${host}` }
      return new CryptographyClient({ id: keyId, name, properties }, credentialOf(application), sdk)
    },
    /** A request as it is, to whichever host. */
    raw: async (
      host: string,
      path: string,
      init: { method?: string; headers?: Record<string, string>; body?: string } = {},
    ) => {
      const reply = await request(`${emulator.url}${path}`, {
        dispatcher,
        method: init.method === 'POST' ? 'POST' : 'GET',
        headers: { host, ...init.headers },
        ...(init.body === undefined ? {} : { body: init.body }),
      })
      const text = await reply.body.text()
      return { status: reply.statusCode, headers: reply.headers, text }
    },
    tokenFor: async (application: typeof owner, resource: string, tenant = tenantId) =>
      (await credentialOf(application, tenant).getToken(`${resource}/.default`)).token,
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy()
      await emulator.stop()
    },
  }
}
