import { readdir } from 'node:fs/promises'
import { sql, type Kysely } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import type { Database } from './database.ts'
import { DatabaseError } from './database-error.ts'
import type { Schema } from './schema.ts'

const folder = new URL('../../migrations/', import.meta.url)
/** Any constant will do; it says `hasp` in ASCII. */
const migrationLock = 0x68617370

/**
 * Brings the database to the schema of this code, forward only, and answers the names of the migrations it
 * ran. Nodes that start together take turns: one migrates, the others find nothing left to do.
 * @throws {DatabaseError} `database_newer_than_code`, `migration_failed`
 */
export async function migrateToLatest(db: Database): Promise<string[]> {
  const migrations = await loadMigrations()
  return db.kysely.connection().execute(async (connection) => {
    await sql`SET statement_timeout = 0`.execute(connection)
    await sql`SELECT pg_advisory_lock(${migrationLock})`.execute(connection)
    try {
      await refuseNewerDatabase(connection, migrations)
      return await run(connection, migrations)
    } finally {
      await sql`SELECT pg_advisory_unlock(${migrationLock})`.execute(connection)
      await sql`RESET statement_timeout`.execute(connection)
    }
  })
}

async function loadMigrations(): Promise<Record<string, Migration>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts')).toSorted()
  const modules = await Promise.all(files.map((file) => import(new URL(file, folder).href)))
  return Object.fromEntries(files.map((file, i) => [file.slice(0, -'.ts'.length), modules[i]]))
}

async function refuseNewerDatabase(db: Kysely<Schema>, known: Record<string, Migration>): Promise<void> {
  const found = await sql<{ table: string | null }>`SELECT to_regclass('kysely_migration') AS table`.execute(
    db,
  )
  if (found.rows[0]?.table == null) return
  const applied = await sql<{ name: string }>`SELECT name FROM kysely_migration ORDER BY name`.execute(db)
  const unknown = applied.rows.map((row) => row.name).filter((name) => !Object.hasOwn(known, name))
  if (unknown.length === 0) return
  throw new DatabaseError(
    'database_newer_than_code',
    `The database has been migrated by a newer version of Hasp (${unknown.join(', ')}). Start that version or a later one: migrations only go forward.`,
  )
}

async function run(db: Kysely<Schema>, migrations: Record<string, Migration>): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error !== undefined) {
    const failed = results.find((result) => result.status === 'Error')
    const why = error instanceof Error ? `: ${error.message}` : '.'
    throw new DatabaseError(
      'migration_failed',
      `Migration ${failed?.migrationName ?? '(before the first)'} failed and was rolled back${why}`,
      { cause: error },
    )
  }
  return results.map((result) => result.migrationName)
}
