import { Client } from 'pg'
import { connectTimeoutMs, type ConnectionParameters } from '#db/connection.ts'

/** Session-level lock; the number says `role`. */
const creationLock = 0x726f6c65

/** Makes the role and the database that Hasp works with where they are missing, and answers how to reach them. */
export async function createApplicationDatabase(
  superuser: ConnectionParameters,
  password: string,
): Promise<ConnectionParameters> {
  const client = new Client({ ...superuser, connectionTimeoutMillis: connectTimeoutMs })
  await client.connect()
  try {
    // A statement that fails is logged, and one of these holds a password.
    await client.query(`SET log_min_error_statement = 'panic'`)
    await client.query('SELECT pg_advisory_lock($1)', [creationLock])
    if (!(await isThere(client, `SELECT 1 FROM pg_roles WHERE rolname = 'hasp'`))) {
      await client.query(`CREATE ROLE hasp LOGIN PASSWORD ${client.escapeLiteral(password)}`)
    }
    if (!(await isThere(client, `SELECT 1 FROM pg_database WHERE datname = 'hasp'`))) {
      await client.query('CREATE DATABASE hasp OWNER hasp')
    }
  } finally {
    await client.end()
  }
  return { ...superuser, user: 'hasp', password, database: 'hasp' }
}

async function isThere(client: Client, query: string): Promise<boolean> {
  return (await client.query(query)).rows.length > 0
}
