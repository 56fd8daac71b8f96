import { hash } from 'node:crypto'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { connectAwsEmulator } from '#emulators/aws/control/control-client.ts'
import { isProcessAlive } from '#db/embedded/process-state.ts'
import type { RecordedRequest } from '#emulators/llm/request-journal.ts'
import { createDataDir, waitUntil } from '../../test/support/data-dir.ts'
import { managementApi } from '../hasp/management-api.ts'
import { registerKek } from '../hasp/register-kek.ts'
import { serveHaspAgain, serveNewHasp } from '../hasp/serve-hasp.ts'
import { startMockProvider } from '../hasp/start-mock-provider.ts'
import { startCustomers } from '../proxy/systems/customer-aws.ts'
import { randomCredential } from '../residue/credentials.ts'
import { compare, type Comparison } from './compare.ts'
import { crashBody, crashModel, indexHeader, startOpenLoop, type OpenLoopResult } from './open-loop.ts'
import { readLedger } from './read-ledger.ts'
import { DecryptTrail } from './trail.ts'

export type CrashRun = Readonly<{
  kills: readonly Readonly<{ inFlight: number; answeredSinceStart: number; downMs: number }>[]
  load: OpenLoopResult
  /** Requests that reached the provider. */
  seen: number
  receipts: number
  decrypts: number
  intents: number
  comparison: Comparison
  /** Whether one and the same PostgreSQL served all the while. */
  isPostgresTheSame: boolean
}>

type Plan = Readonly<{ kills: number; requestsPerSecond: number; upMsMin: number; upMsMax: number }>

/** Slow enough that each kill meets requests in all their stages: before the unwrap, within it, and streaming. */
const decryptLatencyMs = 20
const chunkDelayMs = 5

/** Kills a Hasp in strict mode under load, again and again, and holds what others saw against its ledger. */
export async function measureCrashes(plan: Plan): Promise<CrashRun> {
  await using stack = new AsyncDisposableStack()
  const credential = randomCredential('sk-')
  const openai = await startMockProvider(stack, {
    name: 'openai',
    acceptedCredentials: [credential],
    chunkDelayMs,
    tls: null,
  })
  const { newCustomer } = await startCustomers(stack)
  const customer = await newCustomer()
  const dataDir = stack.use(await createDataDir())
  const env = {
    ...customer.env,
    HASP_PORT: String(await freePort()),
    HASP_DATA_DIR: dataDir.path,
    HASP_ALLOWED_UPSTREAMS: openai.origin,
  }
  const hasp = await serveNewHasp(stack, env)
  const api = managementApi(hasp.url, hasp.token)
  const kekId = await registerKek(api, customer, 'strict')
  await api('POST', '/api-targets', {
    name: 'openai',
    provider: 'openai',
    baseUrl: openai.origin,
    kekId,
    credential,
  })
  const { token } = await api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
  const postmaster = await dataDir.postmasterPid()
  const emulator = connectAwsEmulator(customer.env['AWS_ENDPOINT_URL_KMS'] ?? '')
  await emulator('set-latency', { operation: 'Decrypt', latencyMs: decryptLatencyMs })
  const trail = new DecryptTrail(emulator, customer.keyArn)

  const { url } = hasp
  await using load = startOpenLoop({
    url,
    virtualKey: String(token),
    requestsPerSecond: plan.requestsPerSecond,
  })
  const kills: CrashRun['kills'][number][] = []
  let { pid } = hasp
  for (let kill = 0; kill < plan.kills; kill += 1) {
    const answeredBefore = load.answered
    await waitUntil(() => load.answered > answeredBefore)
    await sleep(plan.upMsMin + Math.random() * (plan.upMsMax - plan.upMsMin))
    const { inFlight } = load
    process.kill(pid, 'SIGKILL')
    const killedAt = performance.now()
    const answeredSinceStart = load.answered - answeredBefore
    const killed = pid
    await waitUntil(() => !isProcessAlive(killed))
    pid = (await serveHaspAgain(stack, env)).pid
    kills.push({ inFlight, answeredSinceStart, downMs: Math.round(performance.now() - killedAt) })
    await trail.gather()
  }
  await sleep(plan.upMsMin)
  const result = await load.stop()
  await trail.gather()

  await using postgres = await startEmbeddedPostgres({ dataDir: dataDir.path })
  const { receipts, intents } = await readLedger(postgres.connection)
  const seen = seenModels(await openai.requests(), result.sent)
  const { decrypts } = trail
  return {
    kills,
    load: result,
    seen: seen.length,
    receipts: receipts.length,
    decrypts: decrypts.length,
    intents: intents.length,
    comparison: compare({ seen, receipts, intents, decrypts }),
    isPostgresTheSame: postmaster !== undefined && (await dataDir.postmasterPid()) === postmaster,
  }
}

/**
 * The model of each proxied request: by the digest of its body, or by its header where the process died before the
 * body had left whole. The check of the credential, at the beginning, is no proxied request.
 */
function seenModels(requests: readonly RecordedRequest[], sent: number): string[] {
  const modelOf = new Map<string, string>()
  for (let index = 0; index < sent; index += 1)
    modelOf.set(hash('sha256', crashBody(index), 'hex'), crashModel(index))
  return requests
    .filter(({ path }) => path === '/v1/chat/completions')
    .map(({ bodySha256, headers }) => {
      const model = modelOf.get(bodySha256 ?? '') ?? headers[indexHeader]
      return model ?? 'a request that nobody sent'
    })
}

/** A port that stays the same over all restarts, as a client of a real service would have it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port is free.')
  return address.port
}
