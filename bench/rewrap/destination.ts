import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import type { ManagementApi } from '../hasp/management-api.ts'
import { startChild } from '../proxy/child-process.ts'

/** Where the records go: a KEK in the key vault of an emulated Azure. */
export type Destination = Readonly<{
  /** What Hasp is started with. */
  env: Record<string, string>
  /** @returns id of the verified KEK. */
  register: (api: ManagementApi) => Promise<string>
}>

const script = new URL('azure-emulator.ts', import.meta.url).pathname

type Customer = Readonly<{
  control: string
  connectTo: string
  ca: string
  homeTenantId: string
  clientId: string
  clientSecret: string
  tenantId: string
  keyId: string
}>

export async function startDestination(stack: AsyncDisposableStack, directory: string): Promise<Destination> {
  const { lines } = await startChild(stack, { command: [process.execPath, script], readyWhen: /^\{/ })
  // azure-emulator.ts prints just this.
  const customer = JSON.parse(lines.at(-1) ?? '{}') as Customer
  const caFile = join(directory, 'azure-ca.pem')
  const dispatcher = new Agent({ connect: { ca: customer.ca } })
  stack.defer(() => dispatcher.close())
  const secretFile = join(directory, 'azure-client-secret')
  await writeFile(caFile, customer.ca)
  await writeFile(secretFile, customer.clientSecret, { mode: 0o600 })
  return {
    env: {
      HASP_AZURE_CLIENT_ID: customer.clientId,
      HASP_AZURE_TENANT_ID: customer.homeTenantId,
      HASP_AZURE_CLIENT_SECRET_FILE: secretFile,
      HASP_AZURE_CONNECT_TO: customer.connectTo,
      HASP_AZURE_CA_FILE: caFile,
    },
    async register(api) {
      const { keyId, tenantId } = customer
      const { id } = await api('POST', '/keks', { name: 'destination', provider: 'azure', keyId, tenantId })
      // What shows Hasp that the key is this customer's.
      const tags = { 'hasp-kek': `hasp-${String(id)}` }
      const headers = { 'content-type': 'application/json' }
      const setTag = { method: 'POST', headers, body: JSON.stringify({ keyId, tags }), dispatcher } as const
      const { statusCode } = await request(`${customer.control}/_emulator/set-key`, setTag)
      if (statusCode >= 300) throw new Error(`The emulator does not set the tag: HTTP ${statusCode}`)
      const verification = await api('POST', `/keks/${String(id)}/verify`)
      if (verification['isPassed'] !== true) throw new Error(JSON.stringify(verification))
      return String(id)
    },
  }
}
