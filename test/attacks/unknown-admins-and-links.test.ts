import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whereOf } from '#db/connection.ts'
import { mintToken } from '#integrity/token.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { flood, floodLocked } from '../support/flood.ts'
import { callApi, startHasp, urlOf, type RunningHasp } from '../support/running-hasp.ts'

describe('a flood of tokens that nobody issued, at the management API and the onboarding pages', () => {
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

  /** Nobody reads the table until it is let go. */
  const lock = async (table: string) => {
    const client = new Client(whereOf(database.connection))
    client.on('error', () => {})
    await client.connect()
    await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
    return client
  }
  const unknownAdmin = () => ({
    path: '/api/v1/keks',
    authorization: `Bearer ${mintToken('hasp_admin').token}`,
  })
  const askApi = (token = mintToken('hasp_admin').token) =>
    fetch(`${hasp.url}/api/v1/keks`, { headers: { authorization: `Bearer ${token}` } })
  const askPage = (token = mintToken('hasp_link').token) => fetch(`${hasp.url}/onboarding/${token}`)
  const whenRefused = async (ask: () => Promise<Response>) => {
    await expect.poll(async () => (await Promise.race([ask(), pause()]))?.status).toBe(503)
    return await ask()
  }

  it('takes two connections, is answered 503 with Retry-After, and keeps no admin out that Hasp has met', async () => {
    expect((await askApi(hasp.token)).status).toBe(200)
    const { body: unmet } = await hasp.api('POST', '/admin-tokens', { name: 'not met yet' })
    const held = await lock('admin_tokens')
    await using _flood = await floodLocked(hasp.url, database.db, unknownAdmin)
    expect(await countWaiting(database)).toBe(2)
    const refused = await whenRefused(askApi)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({
      status: 503,
      code: 'admin_token_busy',
      detail: expect.stringContaining('Try again shortly'),
    })
    const known = askApi(hasp.token)
    expect((await fetch(`${hasp.url}/readyz`)).status, 'the rest has its database').toBe(200)
    await held.end()
    expect((await known).status).toBe(200)
    await expect.poll(async () => (await askApi()).status).toBe(401)
    expect((await callApi(hasp.url, unmet.token, 'GET', '/keks')).status).toBe(200)
  })

  it('keeps an admin working through the flood itself', async () => {
    await using _flood = await flood(hasp.url, 3_000, unknownAdmin)
    for (let count = 0; count < 5; count += 1) expect((await askApi(hasp.token)).status).toBe(200)
  })

  it('says the same of links, and shows its page to whoever has opened theirs before', async () => {
    const { body: kek } = await hasp.api('POST', '/keks', { name: 'linked', provider: 'local' })
    const { body: link } = await hasp.api('POST', `/keks/${kek.id}/onboarding-links`, {})
    const token: string = link.path.split('/').at(-1)
    expect((await askPage(token)).status).toBe(200)
    const held = await lock('onboarding_links')
    await using _flood = await floodLocked(hasp.url, database.db, () => ({
      path: `/onboarding/${mintToken('hasp_link').token}`,
    }))
    const refused = await whenRefused(askPage)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.text()).toMatch(/Too many unknown links[^]*Try again shortly/)
    expect((await hasp.api('GET', '/keks')).status, 'the management API').toBe(200)
    const known = askPage(token)
    await held.end()
    expect((await known).status).toBe(200)
  })
})

/** Of one that was let into the queue nothing is heard while the table is locked. */
function pause(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), 100)
  })
}

describe('a database that does not answer for long, while strangers make Hasp ask it', () => {
  it('has all its other connections left for the rest', async () => {
    await using database = await createTestDatabase()
    const env = { HASP_DATABASE_POOL_MAX: '4' }
    await using hasp = await startHasp(env, { databaseUrl: urlOf(database.connection) })
    const askApi = () =>
      fetch(`${hasp.url}/api/v1/keks`, { headers: { authorization: `Bearer ${hasp.token}` } })
    expect((await askApi()).status).toBe(200)
    const client = new Client(whereOf(database.connection))
    client.on('error', () => {})
    await client.connect()
    await client.query('BEGIN; LOCK TABLE onboarding_links IN ACCESS EXCLUSIVE MODE')
    // Two look-ups are given up each five seconds; three times that is more connections than the rest has.
    await using _flood = await flood(hasp.url, 2_000, () => ({
      path: `/onboarding/${mintToken('hasp_link').token}`,
    }))
    await sleep(13_000)
    expect((await askApi()).status).toBe(200)
    expect((await fetch(`${hasp.url}/readyz`)).status).toBe(200)
    expect(await countWaiting(database)).toBeLessThanOrEqual(4)
    await client.end()
  })
})

async function countWaiting({ db }: TestDatabase): Promise<number> {
  const { rows } = await db.pool.query(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0].count
}
