import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClientSecretCredential } from '@azure/identity'
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys'
import { AzureClients } from '#kms/azure/azure-clients.ts'
import { AzureKekProvider } from '#kms/azure/azure-kek-provider.ts'
import type { VaultUnderTest } from '../azure-vault.behaviour.ts'
import type { KekHarness } from '../kek-provider.contract.ts'

const pollMs = 1_000
const effectMsMax = 600_000

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Two keys in a vault, made once and used by every test in turn; both are deleted at the end. The application must
 * be allowed to do everything with the vault's keys (Key Vault Crypto Officer).
 */
export async function openExternalVault(environment: Environment) {
  const required = (name: string) => {
    const value = environment[name]
    if (value !== undefined && value !== '') return value
    throw new Error(
      `Set ${name}: TEST_AZURE_VAULT_HOST, TEST_AZURE_TENANT_ID, TEST_AZURE_CLIENT_ID and TEST_AZURE_CLIENT_SECRET (docs/docker.md).`,
    )
  }
  const vaultHost = required('TEST_AZURE_VAULT_HOST')
  const tenantId = required('TEST_AZURE_TENANT_ID')
  const clientId = required('TEST_AZURE_CLIENT_ID')
  const clientSecret = required('TEST_AZURE_CLIENT_SECRET')
  const way = await wayTo(environment)
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, way.sdk)
  const keysOf = (host: string) => new KeyClient(`https://${host}`, credential, way.sdk)
  const run = randomBytes(4).toString('hex')
  const names = [`hasp-contract-${run}`, `hasp-foreign-${run}`] as const
  const create = async (name: string) => (await keysOf(vaultHost).createRsaKey(name)).id ?? ''
  const [keyId, foreignId] = [await create(names[0]), await create(names[1])]
  const clientsOf = (transport: 'bytes' | 'sdk') =>
    new AzureClients({
      application: { clientId, kind: 'secret', readSecret: async () => clientSecret },
      ...way.deployment,
      transport,
    })
  const setEnabled = async (enabled: boolean) => {
    await keysOf(vaultHost).updateKeyProperties(names[0], keyId.split('/').at(-1) ?? '', { enabled })
    await sleep(pollMs)
  }
  const cryptoOf = (id: string) => {
    const name = id.split('/')[4] ?? ''
    const properties = { id, name, vaultUrl: `https://${vaultHost}` }
    return new CryptographyClient({ id, name, properties }, credential, way.sdk)
  }
  return {
    async startKek(transport: 'bytes' | 'sdk'): Promise<KekHarness> {
      const clients = clientsOf(transport)
      const provider = (id: string) => new AzureKekProvider({ keyId: id, tenantId }, clients)
      return {
        makeProvider: async () => provider(keyId),
        makeForeignProvider: async () => provider(foreignId),
        async revoke() {
          await (await keysOf(vaultHost).beginDeleteKey(names[0])).pollUntilDone()
          await untilServed(provider(keyId), false)
        },
        async restore() {
          await (await keysOf(vaultHost).beginRecoverDeletedKey(names[0])).pollUntilDone()
          await untilServed(provider(keyId), true)
        },
        faults: [{ name: 'a disabled version', kind: 'revoked', inject: () => setEnabled(false) }],
        async [Symbol.asyncDispose]() {
          await keysOf(vaultHost)
            .getDeletedKey(names[0])
            .then(async () => (await keysOf(vaultHost).beginRecoverDeletedKey(names[0])).pollUntilDone())
            .catch(() => undefined)
          await setEnabled(true)
          await clients[Symbol.asyncDispose]()
        },
      }
    },
    async startVault(): Promise<VaultUnderTest> {
      return { vaultHost, pollMs, keysOf, cryptoOf, [Symbol.asyncDispose]: async () => {} }
    },
    async [Symbol.asyncDispose]() {
      for (const name of names) await (await keysOf(vaultHost).beginDeleteKey(name)).pollUntilDone()
    },
  }
}

/** For another emulator: where every host is, and by which certificate (`TEST_AZURE_CONNECT_TO`, `TEST_AZURE_CA_FILE`). */
async function wayTo(environment: Environment) {
  const target = environment['TEST_AZURE_CONNECT_TO']
  const caFile = environment['TEST_AZURE_CA_FILE']
  if (target === undefined || caFile === undefined) return { sdk: {}, deployment: {} }
  const ca = await readFile(caFile, 'utf8')
  const [host = '', port = ''] = target.split(':')
  const to = { host, port: Number(port) }
  const agent = new Agent({ ca })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) =>
    connect({ ...options, ...to, servername: String(options.host) }, callback)
  return { sdk: { agent, disableInstanceDiscovery: true }, deployment: { ca, connectTo: () => to } }
}

/** Waits until the key is described, or no longer. */
async function untilServed(provider: AzureKekProvider, isServed: boolean): Promise<void> {
  const deadline = Date.now() + effectMsMax
  const serves = () =>
    provider.describe().then(
      () => true,
      () => false,
    )
  while ((await serves()) !== isServed) {
    if (Date.now() > deadline)
      throw new Error(`The vault did not follow a change of a key in ${effectMsMax} ms.`)
    await sleep(pollMs)
  }
}
