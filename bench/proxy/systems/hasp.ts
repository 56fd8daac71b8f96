import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { managementApi } from '../../hasp/management-api.ts'
import { registerKek } from '../../hasp/register-kek.ts'
import { serveNewHasp } from '../../hasp/serve-hasp.ts'
import { credential, upstreamPath } from '../exchange.ts'
import type { Entrance, System } from '../system.ts'
import type { CustomerAws } from './customer-aws.ts'
import type { Postgres } from './postgres.ts'

type Deps = Readonly<{
  postgres: Postgres
  newCustomer: () => Promise<CustomerAws>
  upstreams: { json: string; stream: string }
}>

/**
 * Hasp as an operator starts it, set up over its API: a KEK in the customer's AWS with this unwrap mode, and a target
 * and a virtual key for each upstream.
 */
export async function startHasp(
  stack: AsyncDisposableStack,
  { postgres, newCustomer, upstreams }: Deps,
  unwrapMode: 'cached' | 'shared' | 'strict',
): Promise<System> {
  const customer = await newCustomer()
  const dataDir = await mkdtemp(join(tmpdir(), 'hasp-bench-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const env = {
    HASP_DATA_DIR: dataDir,
    HASP_ALLOWED_UPSTREAMS: `${upstreams.json},${upstreams.stream}`,
    DATABASE_URL: await postgres.newDatabase(`hasp_${unwrapMode}`),
    ...customer.env,
  }
  const { pid, url, token } = await serveNewHasp(stack, env, { isTested: true })
  const api = managementApi(url, token)
  const kekId = await registerKek(api, customer, unwrapMode)
  const entrance = async (name: string, baseUrl: string): Promise<Entrance> => {
    const target = { name, provider: 'openai', baseUrl, kekId, credential }
    const { id } = await api('POST', '/api-targets', target)
    const issued = await api('POST', '/virtual-keys', { name, targetIds: [id] })
    const headers = { authorization: `Bearer ${String(issued['token'])}` }
    return { url, path: `/openai${upstreamPath}`, headers }
  }
  return {
    name: unwrapMode,
    pid,
    json: await entrance('json', upstreams.json),
    stream: unwrapMode === 'cached' ? { ...(await entrance('stream', upstreams.stream)), pid } : undefined,
    asides: [postgres.aside, customer.aside],
  }
}
