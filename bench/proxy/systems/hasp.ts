import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../child-process.ts'
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
 * Hasp as an operator starts it (`bin/hasp serve`, so with its GLIBC tunables), set up over its API: a KEK in the
 * customer's AWS with this unwrap mode, and a target and a virtual key for each upstream.
 */
export async function startHasp(
  stack: AsyncDisposableStack,
  { postgres, newCustomer, upstreams }: Deps,
  unwrapMode: 'cached' | 'shared' | 'strict',
): Promise<System> {
  const customer = await newCustomer()
  const dataDir = await mkdtemp(join(tmpdir(), 'hasp-bench-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const { pid, lines } = await startChild(stack, {
    command: [new URL('../../../bin/hasp', import.meta.url).pathname, 'serve'],
    env: {
      HASP_PORT: '0',
      HASP_DATA_DIR: dataDir,
      HASP_LOG_LEVEL: 'warn',
      HASP_ALLOWED_UPSTREAMS: `${upstreams.json},${upstreams.stream}`,
      HASP_DRAIN_TIMEOUT_MS: '500',
      DATABASE_URL: await postgres.newDatabase(`hasp_${unwrapMode}`),
      ...customer.env,
    },
    isTested: true,
    readyWhen: /hasp_admin_\w+/,
  })
  const output = lines.join('\n')
  const url = matched(output, /listens on (\S+)/)
  const api = apiOf(url, matched(output, /(hasp_admin_\w+)/))

  const kek = await registerKek(api, customer, unwrapMode)
  const entrance = async (name: string, baseUrl: string): Promise<Entrance> => {
    const target = await api('POST', '/api-targets', {
      name,
      provider: 'openai',
      baseUrl,
      kekId: kek,
      credential,
    })
    const issued = await api('POST', '/virtual-keys', { name, targetIds: [target['id']] })
    return {
      url,
      path: `/openai${upstreamPath}`,
      headers: { authorization: `Bearer ${String(issued['token'])}` },
    }
  }
  return {
    name: unwrapMode,
    pid,
    json: await entrance('json', upstreams.json),
    stream: unwrapMode === 'cached' ? await entrance('stream', upstreams.stream) : undefined,
    asides: [postgres.aside, customer.aside],
  }
}

async function registerKek(api: Api, customer: CustomerAws, unwrapMode: string): Promise<string> {
  const { keyArn, roleArn } = customer
  const kek = await api('POST', '/keks', { name: 'main', provider: 'aws', keyArn, roleArn, unwrapMode })
  const organisation = await api('GET', '/organisation')
  // The API's schema promises `access` of a KEK in AWS to be an object with an externalId.
  const { externalId } = kek['access'] as { externalId: string }
  await customer.grant(externalId, String(organisation['id']))
  const verification = await api('POST', `/keks/${String(kek['id'])}/verify`)
  if (verification['isPassed'] !== true) throw new Error(`KEK not verified: ${JSON.stringify(verification)}`)
  return String(kek['id'])
}

type Api = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>

function apiOf(url: string, token: string): Api {
  return async (method, path, body) => {
    const reply = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${path}: HTTP ${reply.status} ${text}`)
    // Every answer of the management API is a JSON object.
    return JSON.parse(text) as Record<string, unknown>
  }
}

function matched(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`Hasp did not say what was expected: ${pattern}`)
  return found
}
