import { randomBytes } from 'node:crypto'
import { createTestDatabase } from './database.ts'
import { deafen, listenersOf } from './deafen.ts'
import { setUpLending, startSurroundings, type Lending, type Surroundings } from './lending-hasp.ts'
import { startHasp, urlOf, type RunningHasp } from './running-hasp.ts'
import { waitUntil } from './data-dir.ts'

export type TwoNodes = AsyncDisposable &
  Readonly<{
    a: RunningHasp
    b: RunningHasp
    surroundings: Surroundings
    lending: Lending
    /** Node b hears nothing that is told until `hear` is called: the connection it listens on is gone. */
    deafenB: () => Promise<{ hear: () => Promise<void> }>
  }>

/** Two nodes of one Hasp on one database, lending. */
export async function startTwoNodes(kekRules: Record<string, unknown> = {}): Promise<TwoNodes> {
  await using stack = new AsyncDisposableStack()
  const surroundings = stack.use(await startSurroundings())
  const database = stack.use(await createTestDatabase())
  const { pool } = database.db
  const databaseUrl = urlOf(database.connection)
  const env = {
    ...surroundings.env,
    HASP_ROOT_SECRET: randomBytes(32).toString('base64'),
    HASP_SUSPENDED_PROBE_INTERVAL_MS: '200',
  }
  const start = async () => stack.use(await startHasp(env, { aws: surroundings.aws, databaseUrl }))
  const a = await start()
  await waitUntil(async () => (await listenersOf(pool)).length === 1)
  const ofA = await listenersOf(pool)
  const b = await start()
  await waitUntil(async () => (await listenersOf(pool)).length === 2)
  const lending = await setUpLending(a, surroundings, kekRules)
  const owned = stack.move()
  return {
    a,
    b,
    surroundings,
    lending,
    async deafenB() {
      const ofB = (await listenersOf(pool)).filter((pid) => !ofA.includes(pid))
      return deafen(pool, ofB)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
