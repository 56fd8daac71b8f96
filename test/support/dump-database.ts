import { Client } from 'pg'
import { whereOf, type Connection } from '#db/connection.ts'

/** Every row of every table of the database, as PostgreSQL writes it: text, and bytea in hex. */
export async function dumpDatabase(connection: Connection): Promise<Map<string, string>> {
  const client = new Client(whereOf(connection))
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
    )
    const dump = new Map<string, string>()
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)
      dump.set(name, rows.map(({ row }) => row).join('\n'))
    }
    return dump
  } finally {
    await client.end()
  }
}
