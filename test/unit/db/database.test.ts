import { inspect } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function terminate(applicationName: string): Promise<void> {
  const query = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1'
  await database.db.pool.query(query, [applicationName])
}

describe('a database', () => {
  it('returns 64-bit integers as strings, so that none is rounded', async () => {
    const { rows } = await database.db.pool.query('SELECT 9007199254740993::bigint AS big')
    expect(rows).toEqual([{ big: '9007199254740993' }])
  })

  it('rolls back all of a transaction that throws', async () => {
    const id = newId()
    const failing = database.db.transaction(async (trx) => {
      await trx.insertInto('organisations').values({ id, name: id }).execute()
      throw new Error('on second thoughts')
    })
    await expect(failing).rejects.toThrow('on second thoughts')
    const found = await database.db.kysely
      .selectFrom('organisations')
      .where('id', '=', id)
      .selectAll()
      .execute()
    expect(found).toEqual([])
  })

  it('limits how long a statement runs and a transaction idles, and says who it is', async () => {
    await using db = openDatabase({
      connection: database.connection,
      poolMax: 1,
      applicationName: 'hasp:limits',
    })
    const { rows } = await db.pool.query(
      `SELECT current_setting('statement_timeout') AS statement,
        current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('application_name') AS name`,
    )
    expect(rows).toEqual([{ statement: '30s', idle: '30s', name: 'hasp:limits' }])
  })

  it.each(['pool', 'kysely'] as const)(
    'closes every connection when it is disposed of, even if only its %s was used',
    async (face) => {
      const db = openDatabase({
        connection: database.connection,
        poolMax: 1,
        applicationName: `hasp:closed-${face}`,
      })
      await (face === 'pool' ? db.pool.query('SELECT 1') : sql`SELECT 1`.execute(db.kysely))
      await db[Symbol.asyncDispose]()
      await expect(db.pool.query('SELECT 1')).rejects.toThrow(/after calling end/)
      const connections = 'SELECT 1 FROM pg_stat_activity WHERE application_name = $1'
      await expect
        .poll(async () => (await database.db.pool.query(connections, [`hasp:closed-${face}`])).rowCount)
        .toBe(0)
    },
  )

  it('outlives its connections, idle ones and one in the middle of a transaction', async () => {
    const errors: Error[] = []
    await using db = openDatabase({
      connection: database.connection,
      poolMax: 2,
      applicationName: 'hasp:cut-off',
      onConnectionLost: (error) => errors.push(error),
    })
    const inTransaction = db.transaction(async (trx) => {
      await sql`SELECT 1`.execute(trx)
      await terminate('hasp:cut-off')
      await sql`SELECT 1`.execute(trx)
    })
    await expect(inTransaction).rejects.toThrow(Error)
    await db.pool.query('SELECT 1')
    await terminate('hasp:cut-off')
    await expect.poll(() => errors.length).toBeGreaterThan(0)
    expect((await db.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })
})

describe('a connection string', () => {
  const password = 'hunter2-correct-horse'

  it.each([`postgresql://hasp:${password}@host:notaport/db`, `postgresql://hasp:${password}@[broken/db`])(
    'that cannot be read is refused without being repeated (%#)',
    (connection) => {
      let error: unknown
      try {
        openDatabase({ connection, poolMax: 1, applicationName: 'hasp:test' })
      } catch (thrown) {
        error = thrown
      }
      expect(error).toMatchObject({ code: 'database_url_invalid' })
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password)
    },
  )

  it('that reaches nobody does not show its password in the error', async () => {
    const connection = `postgresql://hasp:${password}@127.0.0.1:1/db`
    await using db = openDatabase({ connection, poolMax: 1, applicationName: 'hasp:test' })
    const error: unknown = await db.pool.query('SELECT 1').catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password)
  })
})
