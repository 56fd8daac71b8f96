import { setTimeout as sleep } from 'node:timers/promises'
import { Client, DatabaseError as PostgresError } from 'pg'
import { connectTimeoutMs, type ConnectionParameters } from '#db/connection.ts'
import { DatabaseError } from '#db/database-error.ts'
import type { Cluster } from './cluster.ts'
import { findPostmaster, launchPostmaster, tailOfLog } from './postmaster.ts'

/**
 * Every Hasp on a cluster holds this advisory lock, shared, on a connection of its own for as long as it
 * lives; who can have it exclusively is the last one, and may stop the server. A process that is killed lets
 * go with its connection. The number says `hasp`.
 */
const membershipLock = 0x68617370

const startTimeoutMs = 60_000
/** Several Hasps that start at once on a slow machine lose some launches to one another. */
const launchesMax = 12
/** The children of a server that was killed need a moment to notice; until then a new one refuses to start. */
const relaunchDelayMs = 300
const pollMs = 25
const rejoinDelayMs = 200

type Deps = Readonly<{ cluster: Cluster; superuser: ConnectionParameters; log: (message: string) => void }>

/** That this process uses the server. While it lasts, a server that dies is started again. */
export class Membership {
  readonly #deps: Deps
  #client: Client
  #isLeaving = false
  #rejoining: Promise<void> | undefined

  private constructor(deps: Deps, client: Client) {
    this.#deps = deps
    this.#client = client
    this.#watch()
  }

  /** Makes sure that the server runs, and joins it. @throws {DatabaseError} `embedded_postgres_failed` */
  static async join(deps: Deps): Promise<Membership> {
    return new Membership(deps, await connectToServer(deps))
  }

  /** Gives it up. True when nobody else uses the server; from then on nobody can join before it has stopped. */
  async leave(): Promise<boolean> {
    this.#isLeaving = true
    await this.#rejoining
    try {
      await this.#client.query('SELECT pg_advisory_unlock_shared($1)', [membershipLock])
      const { rows } = await this.#client.query('SELECT pg_try_advisory_lock($1) AS "isLast"', [
        membershipLock,
      ])
      const isLast = rows[0]?.isLast === true
      // The last one's lock stands until the server ends this connection.
      if (!isLast) await this.#client.end()
      return isLast
    } catch {
      // The server has died: there is nobody to leave it to, and `stopPostmaster` will find nothing to stop.
      return true
    }
  }

  #watch(): void {
    this.#client.once('end', () => {
      if (!this.#isLeaving) this.#rejoining = this.#rejoin()
    })
  }

  async #rejoin(): Promise<void> {
    this.#deps.log('PostgreSQL has ended unasked; it is started again.')
    while (!this.#isLeaving) {
      try {
        this.#client = await connectToServer(this.#deps)
        return this.#watch()
      } catch (error) {
        this.#deps.log(error instanceof Error ? error.message : String(error))
        await sleep(rejoinDelayMs)
      }
    }
  }
}

/** Starts the server where none runs, and connects to it as a member. */
async function connectToServer(deps: Deps): Promise<Client> {
  const deadline = Date.now() + startTimeoutMs
  let launches = 0
  const child = { isRunning: false }
  while (Date.now() < deadline) {
    if (!child.isRunning && (await findPostmaster(deps.cluster)) === undefined) {
      if (launches === launchesMax) break
      if (launches > 0) await sleep(relaunchDelayMs)
      launches += 1
      child.isRunning = true
      const { ended } = await launchPostmaster(deps.cluster, deps.superuser.host)
      void ended.finally(() => {
        child.isRunning = false
      })
    }
    const client = await tryToJoin(deps.superuser)
    if (client !== undefined) return client
    await sleep(pollMs)
  }
  throw new DatabaseError(
    'embedded_postgres_failed',
    `PostgreSQL did not start; ${deps.cluster.logFile} ends with:\n${await tailOfLog(deps.cluster)}`,
  )
}

/** Undefined while the server is still starting, or on its way down. */
async function tryToJoin(superuser: ConnectionParameters): Promise<Client | undefined> {
  const client = new Client({
    ...superuser,
    application_name: 'hasp:member',
    connectionTimeoutMillis: connectTimeoutMs,
  })
  // `end` tells of the same; without a listener the process would end.
  client.on('error', () => {})
  try {
    await client.connect()
    // Waits while a last one is stopping the server, which ends this connection too.
    await client.query('SELECT pg_advisory_lock_shared($1)', [membershipLock])
    return client
  } catch (error) {
    await client.end().catch(() => {})
    if (error instanceof PostgresError && error.code === '28P01') throw strangeCluster()
    return undefined
  }
}

function strangeCluster(): DatabaseError {
  return new DatabaseError(
    'embedded_postgres_failed',
    'The PostgreSQL on this data directory refuses the password that passwords.json beside it holds: one of the two has been replaced.',
  )
}
