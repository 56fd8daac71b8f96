import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '#db/database.ts'
import { migrateToLatest } from '#db/migrate.ts'
import { createEmptyDatabase, type TestDatabase } from '../../support/database.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createEmptyDatabase()
})
afterEach(() => database[Symbol.asyncDispose]())

async function appliedMigrations(): Promise<string[]> {
  const { rows } = await database.db.pool.query<{ name: string }>(
    'SELECT name FROM kysely_migration ORDER BY name',
  )
  return rows.map((row) => row.name)
}

describe('nodes that start at once on an empty database', () => {
  it('migrate it exactly once, and each finds it ready', async () => {
    const nodes = Array.from({ length: 5 }, (_, i) =>
      openDatabase({ connection: database.connection, poolMax: 1, applicationName: `hasp:node-${i}` }),
    )
    const ran = await Promise.all(nodes.map(migrateToLatest))
    expect(ran.flat()).toEqual(await appliedMigrations())
    expect(ran.flat()).toContain('0001-foundation')
    for (const node of nodes) {
      expect(await node.kysely.selectFrom('organisations').selectAll().execute()).toEqual([])
      await node[Symbol.asyncDispose]()
    }
  })
})

describe('a database that is up to date', () => {
  it('is left as it is', async () => {
    await migrateToLatest(database.db)
    expect(await migrateToLatest(database.db)).toEqual([])
  })

  it('gives its connections back with the time limit that they had', async () => {
    await using single = openDatabase({
      connection: database.connection,
      poolMax: 1,
      applicationName: 'hasp:test',
    })
    await migrateToLatest(single)
    const { rows } = await single.pool.query<{ limit: string }>(
      `SELECT current_setting('statement_timeout') AS limit`,
    )
    expect(rows).toEqual([{ limit: '30s' }])
  })
})

describe('a database that a newer version has migrated', () => {
  it('is refused, by the name of what is unknown, and left as it is', async () => {
    await migrateToLatest(database.db)
    const insertion = `INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-from-the-future', now()::text)`
    await database.db.pool.query(insertion)
    const before = await appliedMigrations()
    const error: unknown = await migrateToLatest(database.db).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'DatabaseError', code: 'database_newer_than_code' })
    expect(String(error)).toContain('9999-from-the-future')
    expect(await appliedMigrations()).toEqual(before)
  })
})

describe('a migration that fails', () => {
  it('is named with what stopped it, and leaves nothing of itself', async () => {
    await database.db.pool.query('CREATE TABLE virtual_keys (in_the_way text)')
    const error: unknown = await migrateToLatest(database.db).catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'migration_failed',
      message: 'Migration 0001-foundation failed and was rolled back: relation "virtual_keys" already exists',
    })
    const { rows } = await database.db.pool.query(`SELECT to_regclass('organisations') AS made`)
    expect(rows).toEqual([{ made: null }])
  })
})
