import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startAzureEmulator } from '#emulators/azure/azure-emulator.ts'
import { OneAtATime, type Cloud } from './cloud.ts'

/** Azure: the key version disabled by the owner of the vault. */
export async function startAzure(stack: AsyncDisposableStack, directory: string): Promise<Cloud> {
  const emulator = stack.use(await startAzureEmulator())
  const { control } = emulator
  const home = control.createTenant()
  const own = control.createApplication({ tenantId: home.tenantId, name: 'hasp' })
  const caFile = join(directory, 'azure-ca.pem')
  const secretFile = join(directory, 'azure-client-secret')
  await writeFile(caFile, emulator.ca)
  await writeFile(secretFile, own.clientSecret, { mode: 0o600 })
  const turn = new OneAtATime()
  let customers = 0
  return {
    name: 'Azure Key Vault',
    env: {
      HASP_AZURE_CLIENT_ID: own.clientId,
      HASP_AZURE_TENANT_ID: home.tenantId,
      HASP_AZURE_CLIENT_SECRET_FILE: secretFile,
      HASP_AZURE_CONNECT_TO: `${emulator.host}:${emulator.port}`,
      HASP_AZURE_CA_FILE: caFile,
    },
    async newKey(api, rules) {
      customers += 1
      const { tenantId } = control.createTenant()
      const { objectId } = control.consent({ tenantId, clientId: own.clientId })
      const { host } = control.createStore({ tenantId, name: `customer-${customers}`, isLogged: true })
      const { keyId } = await control.createKey({ store: host, name: 'kek' })
      control.assignRole({
        objectId,
        role: 'Key Vault Crypto Service Encryption User',
        store: host,
        keyName: 'kek',
      })
      const kek = await api('POST', '/keks', { provider: 'azure', keyId, tenantId, ...rules })
      // What proves that whoever registered the key owns it.
      control.setKey({ keyId, tags: { 'hasp-kek': `hasp-${String(kek['id'])}` } })
      const setEnabled = (isEnabled: boolean, effectDelayMs: number) =>
        turn.do(async () => {
          control.setEffectDelay({ effectDelayMs })
          control.setKey({ keyId, isEnabled })
          control.setEffectDelay({ effectDelayMs: 0 })
        })
      const drilled = {
        withdraw: (delayMs: number) => setEnabled(false, delayMs),
        restore: () => setEnabled(true, 0),
      }
      return { kekId: String(kek['id']), drilled }
    },
  }
}
