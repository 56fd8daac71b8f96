import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'
import { createDataDir } from '../../test/support/data-dir.ts'
import { managementApi } from '../hasp/management-api.ts'
import { registerKek } from '../hasp/register-kek.ts'
import { serveNewHasp } from '../hasp/serve-hasp.ts'
import { startMockProvider } from '../hasp/start-mock-provider.ts'
import { startCustomers } from '../proxy/systems/customer-aws.ts'
import { makeCredentials, type Credentials } from './credentials.ts'
import { giveCredentials, rotate } from './give-credentials.ts'
import { runLoad, type LoadResult } from './load.ts'
import { scanProcess, type Scan } from './scan-process.ts'
import type { Secret } from './secret-forms.ts'
import { readStoredDeks } from './stored-deks.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Setup = Readonly<{ mode: 'strict' | 'cached'; upstream: 'TCP' | 'TLS'; requests: number }>

export type Measurement = Readonly<{
  setup: Setup
  secrets: readonly Secret[]
  /** One second after the credentials were given over the API, before any load. */
  afterStoring: Scan
  /** One second after the last request of the load. */
  afterLoad: Scan
  load: LoadResult
  /** Requests that reached a provider with the very credential of its target. */
  lent: number
}>

const concurrency = 32
const restMs = 1_000
const chunkDelayMs = 5

/** One Hasp, started, shown credentials, put under load and looked through. */
export async function measureResidue(setup: Setup): Promise<Measurement> {
  await using stack = new AsyncDisposableStack()
  const credentials = makeCredentials()
  const { rejected: _, ...accepted } = credentials
  const tls = setup.upstream === 'TLS' ? createSelfSignedCertificate() : null
  const common = { acceptedCredentials: Object.values(accepted), chunkDelayMs, tls }
  const openai = await startMockProvider(stack, { ...common, name: 'openai' })
  const anthropic = await startMockProvider(stack, { ...common, name: 'anthropic' })
  const { newCustomer } = await startCustomers(stack)
  const customer = await newCustomer()
  const dataDir = stack.use(await createDataDir())
  const caFile = join(dataDir.path, 'upstream-ca.pem')
  if (tls !== null) await writeFile(caFile, tls.cert)

  const hasp = await serveNewHasp(stack, {
    HASP_DATA_DIR: dataDir.path,
    HASP_ALLOWED_UPSTREAMS: `${openai.origin},${anthropic.origin}`,
    ...customer.env,
    ...(tls === null ? {} : { NODE_EXTRA_CA_CERTS: caFile }),
  })
  const api = managementApi(hasp.url, hasp.token)
  const kekId = await registerKek(api, customer, setup.mode)
  const { origin: openaiOrigin } = openai
  const targets = await giveCredentials(
    { ...hasp, kekId, openaiOrigin, anthropicOrigin: anthropic.origin },
    credentials,
  )
  await sleep(restMs)
  const given = credentialSecrets(credentials)
  const afterStoring = await scanProcess(hasp.pid, given)

  const issued = await api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
  const virtualKey = String(issued['token'])
  const load = await runLoad({ url: hasp.url, virtualKey, requests: setup.requests, concurrency }, () =>
    rotate(api, targets.anthropicId, credentials.anthropicRotated),
  )
  // Another process reads the database meanwhile: Hasp rests for the whole second.
  const [keys] = await Promise.all([
    readStoredDeks(dataDir.path, customer.env['AWS_ENDPOINT_URL_KMS'] ?? '', customer.keyArn),
    sleep(restMs),
  ])
  const secrets = [...given, ...keys, ...tokenSecrets(virtualKey, hasp.token)]
  const afterLoad = await scanProcess(hasp.pid, secrets)
  const arrived = [...(await openai.requests()), ...(await anthropic.requests())]
  const lentDigests = new Set(Object.values(accepted).map((credential) => hash('sha256', credential, 'hex')))
  return {
    setup,
    secrets,
    afterStoring,
    afterLoad,
    load,
    lent: arrived.filter(({ headers }) => lentDigests.has(digestIn(headers))).length,
  }
}

function digestIn(headers: Readonly<Record<string, string>>): string {
  return headers['x-api-key'] ?? headers['authorization']?.replace(/^bearer /i, '') ?? ''
}

function credentialSecrets(credentials: Credentials): Secret[] {
  return Object.entries(credentials).map(([name, text]) => ({
    name,
    kind: 'credential',
    bytes: Buffer.from(text),
  }))
}

function tokenSecrets(virtualKey: string, adminToken: string): Secret[] {
  return [
    { name: 'virtual key', kind: 'virtual-key', bytes: Buffer.from(virtualKey) },
    { name: 'admin token', kind: 'admin-token', bytes: Buffer.from(adminToken) },
  ]
}
