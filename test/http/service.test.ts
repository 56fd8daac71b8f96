import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { mintToken } from '#integrity/token.ts'
import { runStatement } from '../support/database-admin.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startHasp, urlOf, type RunningHasp } from '../support/running-hasp.ts'

describe('the endpoints for whoever runs the node', () => {
  let database: TestDatabase
  let hasp: RunningHasp
  beforeAll(async () => {
    database = await createTestDatabase()
    hasp = await startHasp({}, { databaseUrl: urlOf(database.connection) })
  })
  afterAll(async () => {
    await hasp[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const get = async (path: string) => {
    const reply = await fetch(hasp.url + path)
    return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() }
  }

  it('say that it lives and is ready, to anybody', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200, text: '{"status":"live"}' })
    await expect.poll(async () => (await get('/readyz')).text).toBe('{"status":"ready"}')
  })

  it('serve Prometheus metrics whose names and labels name no organisation, target, model or token', async () => {
    await fetch(`${hasp.url}/openai/v1/models`, { headers: { authorization: 'Bearer hasp_vk_unknown' } })
    const { status, type, text } = await get('/metrics')
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`)
    expect(names).toEqual(
      expect.arrayContaining([
        'hasp_proxy_calls_total counter',
        'hasp_proxy_refusals_total counter',
        'hasp_proxy_unwraps_total counter',
        'hasp_proxy_stale_decisions_total counter',
        'hasp_ledger_outcomes_lost_total counter',
        'hasp_proxy_calls_in_flight gauge',
        'hasp_proxy_body_bytes_held gauge',
        'hasp_database_connections gauge',
        'hasp_process_resident_memory_bytes gauge',
      ]),
    )
    expect(names.every((name) => name.startsWith('hasp_'))).toBe(true)
    expect(text).toContain('hasp_proxy_refusals_total{code="virtual_key_unknown"} 1')
    expect(text).not.toContain(hasp.orgId)
    expect(text).not.toContain('hasp_vk')
  })

  it('say why it is not ready while the database is away, and that it is ready again afterwards', async () => {
    const { rows } = await database.db.pool.query('SELECT current_database() AS name')
    const { name } = rows[0]
    const { admin } = inject('postgres')
    await runStatement(admin, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
    await runStatement(
      admin,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    )
    await expect.poll(async () => (await get('/readyz')).status, { timeout: 10_000 }).toBe(503)
    const { text } = await get('/readyz')
    expect(JSON.parse(text)).toEqual({
      status: 'not ready',
      reasons: expect.arrayContaining([
        'the database does not answer',
        'not listening for changes made on other nodes',
      ]),
    })
    expect((await get('/livez')).status, 'a node without a database lives').toBe(200)
    const reply = await hasp.api('GET', '/organisation')
    expect([reply.status, reply.headers.get('retry-after'), reply.body.code]).toEqual([
      503,
      '5',
      'overloaded',
    ])
    const proxied = await fetch(`${hasp.url}/openai/v1/models`, {
      headers: { authorization: `Bearer ${wellFormedKey}` },
    })
    expect([
      proxied.status,
      proxied.headers.get('x-hasp-error'),
      proxied.headers.get('x-should-retry'),
    ]).toEqual([503, 'ledger_unavailable', null])
    await runStatement(admin, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
    await expect.poll(async () => (await get('/readyz')).status, { timeout: 20_000 }).toBe(200)
    expect((await hasp.api('GET', '/organisation')).status).toBe(200)
  }, 60_000)
})

const wellFormedKey = mintToken('hasp_vk').token
