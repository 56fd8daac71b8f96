import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { isProcessAlive } from '#db/embedded/process-state.ts'
import { createDataDir, waitUntil } from '../../test/support/data-dir.ts'
import { managementApi, type ManagementApi } from '../hasp/management-api.ts'
import { registerKek } from '../hasp/register-kek.ts'
import { serveHaspAgain, serveNewHasp } from '../hasp/serve-hasp.ts'
import { startMockProvider } from '../hasp/start-mock-provider.ts'
import { startCustomers } from '../proxy/systems/customer-aws.ts'
import { startPostgres } from '../proxy/systems/postgres.ts'
import { randomCredential } from '../residue/credentials.ts'
import { startDestination } from './destination.ts'
import { digestOf, startLoad, type LoadResult } from './load.ts'
import { readCounts, type Counts } from './read-counts.ts'

export type RewrapRun = Readonly<{
  records: number
  kills: readonly Readonly<{ recordsDone: number; downMs: number }>[]
  /** From the start of the job to its end, the time in which nobody worked on it included. */
  jobMs: number
  job: Readonly<{ state: string; recordsDone: number; recordsFailed: number }>
  load: LoadResult
  counts: Counts
  /** Requests after the old KEK was retired, one to each of so many targets. */
  openedAfterwards: LoadResult
  /** Requests that reached the provider with another target's credential. */
  wrongCredentials: number
}>

type Plan = Readonly<{
  records: number
  kills: number
  requestsPerSecond: number
  recordsPerSecondMax: number
  openedAfterwards: number
  onProgress: (line: string) => void
}>

/** Several targets share one, so that a mock provider can be told of all. */
const credentialsCount = 250
const storedAtOnce = 16
const pollMs = 200
const openedPerSecond = 200

/** What else the machine is at decides how long a request takes. */
const parts = {
  first: 'before it, all records read for the first time',
  moving: 'while records moved',
  restarts: 'while a killed process started again',
  end: 'from its end on, all records read anew',
} as const

/**
 * One node serves, another carries the job out and is killed: as in a deployment whose balancer sends requests to the
 * nodes that are alive.
 */
export async function measureRewrap(plan: Plan): Promise<RewrapRun> {
  const { onProgress } = plan
  await using stack = new AsyncDisposableStack()
  const credentials = Array.from({ length: credentialsCount }, () => randomCredential('sk-'))
  const openai = await startMockProvider(stack, {
    name: 'openai',
    acceptedCredentials: credentials,
    chunkDelayMs: 0,
    tls: null,
  })
  const { newCustomer } = await startCustomers(stack)
  const customer = await newCustomer()
  const databaseUrl = await (await startPostgres(stack)).newDatabase('hasp_rewrap')
  const dataDir = stack.use(await createDataDir())
  const destination = await startDestination(stack, dataDir.path)
  const env = {
    ...customer.env,
    ...destination.env,
    DATABASE_URL: databaseUrl,
    HASP_DATA_DIR: dataDir.path,
    HASP_ROOT_SECRET: randomBytes(32).toString('base64'),
    HASP_ALLOWED_UPSTREAMS: openai.origin,
    HASP_ORGANISATION_SHARE: '100',
  }
  const serving = await serveNewHasp(stack, { ...env, HASP_LIFECYCLE_JOBS_MAX: '0' })
  const api = managementApi(serving.url, serving.token)
  const fromKekId = await registerKek(api, customer, 'strict')
  const toKekId = await destination.register(api)
  await storeTargets(api, plan.records, (index) => ({
    name: nameOf(index),
    provider: 'openai',
    baseUrl: openai.origin,
    kekId: fromKekId,
    credential: credentials[index % credentials.length],
    validate: false,
  }))
  const { token } = await api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
  const client = new Client(databaseUrl)
  await client.connect()
  stack.defer(() => client.end())
  onProgress(`${plan.records} records stored under a KEK in AWS KMS`)

  const door = { url: serving.url, virtualKey: String(token) }
  await using load = startLoad({
    ...door,
    requestsPerSecond: plan.requestsPerSecond,
    // A prime, so that all targets have their turn.
    targetOf: (index) => nameOf((index * 7919) % plan.records),
  })
  load.enter(parts.first)
  await waitUntil(() => load.answered > plan.requestsPerSecond)

  let worker = await serveHaspAgain(stack, env)
  const started = await api('POST', '/lifecycle-jobs', {
    kind: 'move',
    fromKekId,
    toKekId,
    recordsPerSecondMax: plan.recordsPerSecondMax,
  })
  const startedAt = performance.now()
  load.enter(parts.moving)
  const readJob = () => api('GET', `/lifecycle-jobs/${String(started['id'])}`)
  const kills: RewrapRun['kills'][number][] = []
  let job = started
  while (!['finished', 'failed', 'cancelled'].includes(String(job['state']))) {
    await sleep(pollMs)
    job = await readJob()
    const recordsDone = Number(job['recordsDone'])
    const isWorking = String(job['runBy']).endsWith(`:${worker.pid}`)
    const isDue = recordsDone >= ((kills.length + 1) * plan.records) / (plan.kills + 1)
    if (kills.length === plan.kills || !isWorking || !isDue) continue
    const { pid } = worker
    load.enter(parts.restarts)
    process.kill(pid, 'SIGKILL')
    const killedAt = performance.now()
    await waitUntil(() => !isProcessAlive(pid))
    worker = await serveHaspAgain(stack, env)
    load.enter(parts.moving)
    kills.push({ recordsDone, downMs: Math.round(performance.now() - killedAt) })
    onProgress(`kill ${kills.length}: at ${recordsDone} records, back after ${kills.at(-1)?.downMs} ms`)
  }
  load.enter(parts.end)
  const jobMs = Math.round(performance.now() - startedAt)
  // The last requests are decided on what holds now.
  await sleep(3_000)
  const result = await load.stop()
  onProgress(`job ${String(job['state'])} after ${jobMs} ms`)

  await api('POST', `/keks/${fromKekId}/retire`)
  const openedAfterwards = await openEach(door, Math.min(plan.openedAfterwards, plan.records))
  return {
    records: plan.records,
    kills,
    jobMs,
    job: {
      state: String(job['state']),
      recordsDone: Number(job['recordsDone']),
      recordsFailed: Number(job['recordsFailed']),
    },
    load: result,
    counts: await readCounts(client, { fromKekId, toKekId }),
    openedAfterwards,
    wrongCredentials: wrongIn(await openai.requests(), credentials),
  }
}

async function storeTargets(
  api: ManagementApi,
  count: number,
  targetAt: (index: number) => object,
): Promise<void> {
  const indices = Array.from({ length: count }, (_, index) => index).values()
  const lane = async () => {
    for (const index of indices) await api('POST', '/api-targets', targetAt(index))
  }
  await Promise.all(Array.from({ length: storedAtOnce }, lane))
}

/** One request to each of `count` targets. */
async function openEach(door: { url: string; virtualKey: string }, count: number): Promise<LoadResult> {
  await using load = startLoad({
    ...door,
    requestsPerSecond: openedPerSecond,
    targetOf: (i) => nameOf(i % count),
  })
  await sleep((count / openedPerSecond) * 1000)
  return await load.stop()
}

function nameOf(index: number): string {
  return `target-${index}`
}

type SeenRequest = Readonly<{
  path: string
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
}>

/** Each request names its target, whose number tells its credential. */
function wrongIn(requests: readonly SeenRequest[], credentials: readonly string[]): number {
  const digests = credentials.map(digestOf)
  return requests.filter(({ path, headers }) => {
    if (path !== '/v1/chat/completions') return false
    const index = Number(String(headers['x-client-request-id']).replace('target-', ''))
    return !String(headers['authorization']).includes(digests[index % digests.length] ?? '-')
  }).length
}
