/**
 * Entra and a customer's key vault as a process of its own. Prints one line of JSON: what Hasp needs to reach it, and
 * the key that the customer has granted.
 */
import { startAzureEmulator } from '#emulators/azure/azure-emulator.ts'

const emulator = await startAzureEmulator()
const { control } = emulator
const home = control.createTenant()
const own = control.createApplication({ tenantId: home.tenantId, name: 'hasp' })
const { tenantId } = control.createTenant()
const { objectId } = control.consent({ tenantId, clientId: own.clientId })
const { host } = control.createStore({ tenantId, name: 'customer', isLogged: true })
const { keyId } = await control.createKey({ store: host, name: 'kek' })
control.assignRole({
  objectId,
  role: 'Key Vault Crypto Service Encryption User',
  store: host,
  keyName: 'kek',
})
console.log(
  JSON.stringify({
    control: emulator.url,
    connectTo: `${emulator.host}:${emulator.port}`,
    ca: emulator.ca,
    homeTenantId: home.tenantId,
    clientId: own.clientId,
    clientSecret: own.clientSecret,
    tenantId,
    keyId,
  }),
)
