import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { whereOf } from '#db/connection.ts'
import { mintToken } from '#integrity/token.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startHasp, urlOf, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'
import { untilWaiting } from '../support/until-waiting.ts'

describe('a flood of virtual keys that nobody issued', () => {
  let database: TestDatabase
  let hasp: RunningHasp
  let flooding: Socket[] = []
  beforeAll(async () => {
    database = await createTestDatabase()
    hasp = await startHasp({}, { databaseUrl: urlOf(database.connection) })
  })
  afterEach(() => {
    for (const socket of flooding) socket.destroy()
    flooding = []
  })
  afterAll(async () => {
    await hasp[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const ask = (token: string) =>
    fetch(`${hasp.url}/openai/v1/models`, { headers: { authorization: `Bearer ${token}` } })
  /** Without waiting for a single answer. */
  const flood = async (count: number) => {
    const socket = connect(Number(new URL(hasp.url).port), '127.0.0.1')
    flooding.push(socket)
    socket.resume().on('error', () => {})
    await once(socket, 'connect')
    const request = () =>
      `GET /openai/v1/models HTTP/1.1\r\nhost: hasp\r\nauthorization: Bearer ${mintToken('hasp_vk').token}\r\n\r\n`
    socket.write(Array.from({ length: count }, request).join(''))
  }

  it('is answered 503 with Retry-After once too many wait, and leaves the rest of Hasp its database', async () => {
    const { body: known } = await hasp.api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
    expect((await ask(known.token)).status).toBe(404)
    const client = new Client(whereOf(database.connection))
    await client.connect()
    await client.query('BEGIN; LOCK TABLE virtual_keys IN ACCESS EXCLUSIVE MODE')
    await flood(3_000)
    await untilWaiting(database.db, 2)
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
