import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { runStatement } from './database-admin.ts'
import { setUpLending, startSurroundings, type Lending, type Surroundings } from './lending-hasp.ts'
import { startHasp, urlOf, type RunningHasp } from './running-hasp.ts'
import { waitUntil } from './data-dir.ts'

export type TwoNodes = AsyncDisposable &
  Readonly<{
    a: RunningHasp
    b: RunningHasp
    surroundings: Surroundings
    lending: Lending
    database: TestDatabase
    /** Node b hears nothing that is told until `hear` is called: the connection it listens on is gone. */
    deafenB: () => Promise<{ hear: () => Promise<void> }>
  }>

/** Two nodes of one Hasp on one database, lending. */
export async function startTwoNodes(kekRules: Record<string, unknown> = {}): Promise<TwoNodes> {
  await using stack = new AsyncDisposableStack()
  const surroundings = stack.use(await startSurroundings())
  const database = stack.use(await createTestDatabase())
  const databaseUrl = urlOf(database.connection)
  const env = {
    ...surroundings.env,
    HASP_ROOT_SECRET: randomBytes(32).toString('base64'),
    HASP_SUSPENDED_PROBE_INTERVAL_MS: '200',
  }
  const start = async () => stack.use(await startHasp(env, { aws: surroundings.aws, databaseUrl }))
  const a = await start()
  await waitUntil(async () => (await listenersOf(database)).length === 1)
  const ofA = await listenersOf(database)
  const b = await start()
  await waitUntil(async () => (await listenersOf(database)).length === 2)
  const lending = await setUpLending(a, surroundings, kekRules)
  const owned = stack.move()
  return {
    a,
    b,
    surroundings,
    lending,
    database,
    async deafenB() {
      await setConnectable(database, false)
      for (const pid of (await listenersOf(database)).filter((pid) => !ofA.includes(pid)))
        await database.db.pool.query('SELECT pg_terminate_backend($1)', [pid])
      await waitUntil(async () => (await listenersOf(database)).length === 1)
      return { hear: () => setConnectable(database, true) }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Server processes of the connections that nodes listen on. */
async function listenersOf({ db }: TestDatabase): Promise<number[]> {
  const { rows } = await db.pool.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE application_name = 'hasp:listener' AND datname = current_database() AND query LIKE 'LISTEN%' OR
       application_name = 'hasp:listener' AND datname = current_database() AND query = 'SELECT 1'`,
  )
  return rows.map((row) => row.pid)
}

/** Whether new connections are taken; those that are there stay. */
async function setConnectable({ db }: TestDatabase, isConnectable: boolean): Promise<void> {
  const { rows } = await db.pool.query<{ name: string }>('SELECT current_database() AS name')
  await runStatement(
    inject('postgres').admin,
    `ALTER DATABASE ${rows[0]?.name} ALLOW_CONNECTIONS ${isConnectable}`,
  )
}
