import { Client, type ClientConfig } from 'pg'
import { DatabaseError } from './database-error.ts'

/** How to reach one database; `host` may be the directory of a unix socket. */
export type ConnectionParameters = Readonly<{
  host: string
  port: number
  user: string
  password: string
  database: string
}>

/** A `postgresql://` URL as an operator gives it, or the parameters of a server that we started ourselves. */
export type Connection = string | ConnectionParameters

/** How long we wait for a connection, from the pool or from the server. */
export const connectTimeoutMs = 5_000

/**
 * The part of pg's configuration that says where the server is.
 * @throws {DatabaseError} `database_url_invalid`; the parser's own error carries the whole URL, password
 * included, and is not kept as `cause`.
 */
export function whereOf(connection: Connection): ClientConfig {
  if (typeof connection !== 'string') return { ...connection }
  try {
    // The constructor parses and opens nothing.
    void new Client({ connectionString: connection })
  } catch {
    throw new DatabaseError(
      'database_url_invalid',
      'DATABASE_URL cannot be read: expected postgresql://user:password@host:port/database, with special characters in the password percent-encoded.',
    )
  }
  return { connectionString: connection }
}
