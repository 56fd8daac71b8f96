import path from 'node:path'
import type { ConnectionParameters } from './connection.ts'
import { DatabaseError } from './database-error.ts'
import { prepareCluster, type Cluster } from './embedded/cluster.ts'
import { createApplicationDatabase } from './embedded/application-database.ts'
import { Membership } from './embedded/membership.ts'
import { stopPostmaster } from './embedded/postmaster.ts'
import { prepareSocketDir, socketPort } from './embedded/socket-dir.ts'

const stopTimeoutMs = 60_000

export type StartEmbeddedPostgres = Readonly<{
  /** Hasp's data directory; the server lives in `<dataDir>/postgres`. */
  dataDir: string
  log?: (message: string) => void
}>

/** A running PostgreSQL that Hasp started, or found running and adopted. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** The role that Hasp works as: owner of the database `hasp`, no superuser. */
  readonly connection: ConnectionParameters
  /** For what only a superuser may do: backups of everything, other databases. */
  readonly superuser: ConnectionParameters
  /** Stops the server when no other Hasp uses it, and waits until it has. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a PostgreSQL on `dataDir`, creating it at first, or adopts the one that runs there: a survivor of a
 * `kill -9` of Hasp, or another Hasp's. While it is held, a server that dies is started again.
 * @throws {DatabaseError} `embedded_postgres_failed`
 */
export async function startEmbeddedPostgres(options: StartEmbeddedPostgres): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {})
  const cluster = await prepareCluster(path.resolve(options.dataDir))
  const host = await prepareSocketDir(cluster)
  const superuser = {
    host,
    port: socketPort,
    user: 'postgres',
    password: cluster.passwords.superuser,
    database: 'postgres',
  }
  const membership = await Membership.join({ cluster, superuser, log })
  try {
    const connection = await createApplicationDatabase(superuser, cluster.passwords.application)
    return { connection, superuser, [Symbol.asyncDispose]: () => leave(cluster, membership, log) }
  } catch (error) {
    await leave(cluster, membership, log)
    throw error
  }
}

async function leave(
  cluster: Cluster,
  membership: Membership,
  log: (message: string) => void,
): Promise<void> {
  const isLast = await membership.leave()
  if (!isLast) return log('PostgreSQL keeps running: another Hasp uses it.')
  if (await stopPostmaster(cluster, stopTimeoutMs)) return log('PostgreSQL has stopped.')
  throw new DatabaseError(
    'embedded_postgres_failed',
    `PostgreSQL did not stop within ${stopTimeoutMs / 1000} s; see ${cluster.logFile}.`,
  )
}
