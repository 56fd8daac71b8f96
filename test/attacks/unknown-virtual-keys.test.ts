import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whereOf } from '#db/connection.ts'
import { mintToken } from '#integrity/token.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { floodLocked } from '../support/flood.ts'
import { startHasp, urlOf, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

describe('a flood of virtual keys that nobody issued', () => {
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

  const ask = (token: string) =>
    fetch(`${hasp.url}/openai/v1/models`, { headers: { authorization: `Bearer ${token}` } })
  it('is answered 503 with Retry-After once too many wait, and leaves the rest of Hasp its database', async () => {
    const { body: known } = await hasp.api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
    expect((await ask(known.token)).status).toBe(404)
    const client = new Client(whereOf(database.connection))
    await client.connect()
    await client.query('BEGIN; LOCK TABLE virtual_keys IN ACCESS EXCLUSIVE MODE')
    await using _flood = await floodLocked(hasp.url, database.db, () => ({
      path: '/openai/v1/models',
      authorization: `Bearer ${mintToken('hasp_vk').token}`,
    }))
    await expect
      .poll(async () => {
        const socket = await Promise.race([ask(mintToken('hasp_vk').token), pause()])
        return socket?.status
      })
      .toBe(503)
    const refused = await ask(mintToken('hasp_vk').token)
    expect([refused.headers.get('x-hasp-error'), refused.headers.get('retry-after')]).toEqual([
      'virtual_key_busy',
      '1',
    ])
    const { error }: AnyJson = await refused.json()
    expect(error.code).toBe('virtual_key_busy')
    expect((await ask(known.token)).status, 'a grant in hand').toBe(404)
    expect((await hasp.api('GET', '/keks')).status, 'the management API').toBe(200)
    await client.end()
    await expect.poll(async () => (await ask(mintToken('hasp_vk').token)).status).toBe(401)
  })
})

/** Of one that was let into the queue nothing is heard while the table is locked. */
function pause(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), 100)
  })
}
