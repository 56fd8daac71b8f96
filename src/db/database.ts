import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool } from 'pg'
import { connectTimeoutMs, whereOf, type Connection } from './connection.ts'
import { limitUse } from './limit-use.ts'
import type { Schema } from './schema.ts'

/** What repositories run queries on: the database itself or a transaction of it. */
export type Db = Kysely<Schema>

export type OpenDatabase = Readonly<{
  connection: Connection
  /** The most connections held at once. */
  poolMax: number
  /** Shown in `pg_stat_activity`. */
  applicationName: string
  /** How long the server works on one statement. Default 30000. */
  statementTimeoutMs?: number
  /**
   * How long a connection may be in use for one query or transaction, before it is closed under it and the query fails
   * as by a database that is away. Default: as long as it takes.
   */
  inUseMsMax?: number
  /** Told of connections that broke while idle, or were in use for too long; the pool replaces them. */
  onConnectionLost?: (error: Error) => void
}>

/**
 * One pool of connections with two faces: `kysely` for typed queries, `pool` for the few hot statements that
 * are prepared by hand. 64-bit integers arrive as strings (docs/database.md).
 */
export class Database implements AsyncDisposable {
  readonly kysely: Db
  readonly pool: Pool

  constructor(pool: Pool) {
    this.pool = pool
    this.kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  }

  /** Runs `work` in one transaction (READ COMMITTED), rolled back when it throws. */
  transaction<Result>(work: (trx: Transaction<Schema>) => Promise<Result>): Promise<Result> {
    return this.kysely.transaction().execute(work)
  }

  /** Reads several tables as of one moment (REPEATABLE READ, read only). */
  snapshot<Result>(read: (trx: Transaction<Schema>) => Promise<Result>): Promise<Result> {
    return this.kysely
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(read)
  }

  /** Waits for the queries under way, then closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kysely.destroy()
    // Kysely ends the pool only if it has used it.
    if (!this.pool.ended) await this.pool.end()
  }
}

/** How long a connection is silent before TCP asks whether its other end is there; the system's default is two hours. */
const keepAliveDelayMs = 10_000

/**
 * Prepares a pool; the first query connects.
 * @throws {DatabaseError} `database_url_invalid`
 */
export function openDatabase(options: OpenDatabase): Database {
  const pool = new Pool({
    ...whereOf(options.connection),
    application_name: options.applicationName,
    max: options.poolMax,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelayMs,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    idle_in_transaction_session_timeout: 30_000,
  })
  // An EventEmitter without a listener throws: a connection that breaks, idle or in use, would end the process.
  pool.on('error', (error) => options.onConnectionLost?.(error))
  pool.on('connect', (client) => client.on('error', () => {}))
  const { inUseMsMax } = options
  if (inUseMsMax !== undefined) limitUse(pool, inUseMsMax, (error) => options.onConnectionLost?.(error))
  return new Database(pool)
}
