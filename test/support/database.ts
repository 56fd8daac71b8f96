import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import type { Connection } from '#db/connection.ts'
import { openDatabase, type Database } from '#db/database.ts'
import { runStatement, withDatabase } from './database-admin.ts'

/** A migrated database that only one test file sees. */
export type TestDatabase = AsyncDisposable & Readonly<{ connection: Connection; db: Database }>

/** Clones the run's template; dispose of it in `afterAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(inject('postgres').template)
}

/** A database without any migration. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('template0')
}

async function createDatabase(template: string): Promise<TestDatabase> {
  const { admin, owner, ownerName } = inject('postgres')
  const name = `hasp_test_${randomBytes(6).toString('hex')}`
  await runStatement(admin, `CREATE DATABASE ${name} TEMPLATE ${template} OWNER ${ownerName}`)
  const connection = withDatabase(owner, name)
  const db = openDatabase({ connection, poolMax: 5, applicationName: 'hasp:test' })
  return {
    connection,
    db,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]()
      await runStatement(admin, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}
