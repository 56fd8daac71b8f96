import { Client } from 'pg'
import { whereOf, type Connection } from '#db/connection.ts'

/** The same server, another database. */
export function withDatabase(connection: Connection, database: string): Connection {
  if (typeof connection !== 'string') return { ...connection, database }
  const url = new URL(connection)
  url.pathname = `/${database}`
  return url.href
}

/** Runs one statement on a connection of its own. */
export async function runStatement(connection: Connection, statement: string): Promise<void> {
  const client = new Client(whereOf(connection))
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
