import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import type { Connection } from '#db/connection.ts'
import { openDatabase } from '#db/database.ts'
import { migrateToLatest } from '#db/migrate.ts'
import { runStatement, withDatabase } from './database-admin.ts'
import { startTestServer } from './test-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgres: TestPostgres
  }
}

/** What the test files need to clone a database for themselves. */
export type TestPostgres = Readonly<{
  /** May create databases. */
  admin: Connection
  /** Owns the databases, and is what Hasp would work as. */
  owner: Connection
  ownerName: string
  /** A migrated, empty database that nobody is connected to. */
  template: string
}>

/**
 * One real PostgreSQL for the whole run: our embedded one, or the server that TEST_DATABASE_URL names (its
 * user must be allowed to create databases).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestServer(process.env['TEST_DATABASE_URL']))
  const template = `hasp_template_${randomBytes(6).toString('hex')}`
  await runStatement(server.admin, `CREATE DATABASE ${template} OWNER ${server.ownerName}`)
  stack.defer(() => runStatement(server.admin, `DROP DATABASE ${template} WITH (FORCE)`))
  await migrateTemplate(withDatabase(server.owner, template))

  const { admin, owner, ownerName } = server
  project.provide('postgres', { admin, owner, ownerName, template })
  const teardown = stack.move()
  return () => teardown.disposeAsync()
}

async function migrateTemplate(connection: Connection): Promise<void> {
  await using database = openDatabase({ connection, poolMax: 1, applicationName: 'hasp:test-template' })
  await migrateToLatest(database)
}
