import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '#db/database.ts'
import { isDatabaseAway } from '#db/is-database-away.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { startForgetfulRelay } from '../../support/forgetful-relay.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const ask = (db: Pick<TestDatabase, 'db'>['db']) => sql<{ one: number }>`SELECT 1 AS one`.execute(db.kysely)
/** What a query fails with, and after how long. */
const failing = async (query: Promise<unknown>) => {
  const startedAtMs = performance.now()
  const error: unknown = await query.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { error, afterMs: performance.now() - startedAtMs }
}

describe('a connection whose use is limited', () => {
  it('that falls silent is closed, and its query fails as by a database that is away', async () => {
    await using relay = await startForgetfulRelay(database.connection)
    const lost: Error[] = []
    await using db = openDatabase({
      connection: relay.connection,
      poolMax: 4,
      applicationName: 'hasp:silent',
      inUseMsMax: 300,
      onConnectionLost: (error) => lost.push(error),
    })
    const clients = await Promise.all([1, 2, 3, 4].map(() => db.pool.connect()))
    for (const client of clients) client.release()
    expect(db.pool.idleCount).toBe(4)
    relay.forget()
    const { error, afterMs } = await failing(ask(db))
    expect(isDatabaseAway(error), String(error)).toBe(true)
    expect(afterMs).toBeGreaterThan(250)
    expect(afterMs).toBeLessThan(3_000)
    expect(lost.map(({ message }) => message)).toEqual(['The database did not answer within 300 ms.'])
    // The idle ones were as silent: none of them is waited for.
    for (let query = 0; query < 4; query += 1) expect((await ask(db)).rows).toEqual([{ one: 1 }])
    expect(lost).toHaveLength(1)
    expect(db.pool.totalCount).toBe(1)
  })

  it('gives its place to whoever waits for one', async () => {
    await using relay = await startForgetfulRelay(database.connection)
    await using db = openDatabase({
      connection: relay.connection,
      poolMax: 1,
      applicationName: 'hasp:silent-one',
      inUseMsMax: 300,
    })
    await ask(db)
    relay.forget()
    const [first, second] = await Promise.allSettled([ask(db), ask(db)])
    expect(first.status).toBe('rejected')
    expect(second.status).toBe('fulfilled')
  })

  it('is closed also where the server is busy with its query for too long', async () => {
    await using db = openDatabase({
      connection: database.connection,
      poolMax: 1,
      applicationName: 'hasp:slow-query',
      inUseMsMax: 300,
    })
    const { error } = await failing(sql`SELECT pg_sleep(10)`.execute(db.kysely))
    expect(isDatabaseAway(error), String(error)).toBe(true)
    expect((await ask(db)).rows).toEqual([{ one: 1 }])
  })

  it('is kept while its queries end in time, however long it has been there', async () => {
    await using db = openDatabase({
      connection: database.connection,
      poolMax: 1,
      applicationName: 'hasp:kept',
      inUseMsMax: 300,
    })
    const backends = new Set<number>()
    for (let query = 0; query < 6; query += 1) {
      const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db.kysely)
      backends.add(rows[0]?.pid ?? 0)
      await sleep(100)
    }
    expect(backends.size).toBe(1)
  })
})

describe('a connection to the database', () => {
  it('has TCP ask soon whether its other end is there', async () => {
    await using relay = await startForgetfulRelay(database.connection)
    // oxlint-disable-next-line typescript/unbound-method -- called on its socket by vitest
    using asked = vi.spyOn(Socket.prototype, 'setKeepAlive')
    await using db = openDatabase({
      connection: relay.connection,
      poolMax: 1,
      applicationName: 'hasp:keep-alive',
    })
    await ask(db)
    expect(asked).toHaveBeenCalledWith(true, 10_000)
  })
})
