import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { connectAwsEmulator } from '#emulators/aws/control/control-client.ts'
import type { MockProvider } from '#emulators/llm/mock-provider.ts'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import { managementApi, type ManagementApi } from '../hasp/management-api.ts'
import { registerKek } from '../hasp/register-kek.ts'
import { serveNewHasp } from '../hasp/serve-hasp.ts'
import { startCustomers } from '../proxy/systems/customer-aws.ts'

/** A Hasp and an AWS in processes of their own; the provider in this one, so that one clock times everything. */
export type Scene = Readonly<{
  haspUrl: string
  virtualKey: string
  provider: MockProvider
  /** By AWS's own API. @returns when its answer was there, by `Date.now()` and `performance.now()`. */
  disableKey: () => Promise<Answered>
  /** Enables the key, and returns once Hasp has proven the grant anew and serves again. */
  enableKey: () => Promise<void>
}>

type Answered = Readonly<{ epochMs: number; atMs: number }>

const credential = 'sk-bench-revocation-credential'
/** More than one trial brings. */
const requestsMax = 2_000

export async function startScene(stack: AsyncDisposableStack): Promise<Scene> {
  const provider = stack.use(await startMockOpenai({ acceptedCredentials: [credential], requestsMax }))
  const { newCustomer } = await startCustomers(stack)
  const customer = await newCustomer()
  const dataDir = await mkdtemp(join(tmpdir(), 'hasp-bench-revocation-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const hasp = await serveNewHasp(stack, {
    ...customer.env,
    HASP_DATA_DIR: dataDir,
    HASP_ALLOWED_UPSTREAMS: provider.origin,
    // One refusal of every trial is a warning.
    HASP_LOG_LEVEL: 'error',
  })
  const api = managementApi(hasp.url, hasp.token)
  const kekId = await registerKek(api, customer, 'strict')
  // Only the calls themselves shall notice.
  await api('PATCH', `/keks/${kekId}`, { probeIntervalMs: 0 })
  await api('POST', '/api-targets', {
    name: 'openai',
    provider: 'openai',
    baseUrl: provider.origin,
    kekId,
    credential,
  })
  const issued = await api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
  const kms = stack.adopt(await rootClient(customer), (client) => client.destroy())
  const { keyArn } = customer
  return {
    haspUrl: hasp.url,
    virtualKey: String(issued['token']),
    provider,
    async disableKey() {
      await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
      return { epochMs: Date.now(), atMs: performance.now() }
    },
    async enableKey() {
      await kms.send(new EnableKeyCommand({ KeyId: keyArn }))
      await verifyAgain(api, kekId)
    },
  }
}

/** The probe of suspended KEKs may be at it at the same moment: whoever is second is told so. */
async function verifyAgain(api: ManagementApi, kekId: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const verification = await api('POST', `/keks/${kekId}/verify`)
      if (verification['isPassed'] === true) return
      throw new Error('The KEK could not be verified again.')
    } catch (error) {
      const isRaced = error instanceof Error && error.message.includes('kek_changed_meanwhile')
      if (!isRaced || attempt === 3) throw error
    }
  }
}

/** AWS's client as the root of the customer's account. */
async function rootClient(customer: { keyArn: string; env: Record<string, string> }): Promise<KMSClient> {
  const [, , , region = '', accountId = ''] = customer.keyArn.split(':')
  const endpoint = customer.env['AWS_ENDPOINT_URL_KMS'] ?? ''
  const principalArn = `arn:aws:iam::${accountId}:root`
  const credentials = await connectAwsEmulator(endpoint)('create-access-key', { principalArn })
  return new KMSClient({ endpoint, region, credentials, maxAttempts: 1 })
}
