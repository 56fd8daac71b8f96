import { hostname } from 'node:os'
import type { Config } from '#config/load-config.ts'
import { openDatabase } from '#db/database.ts'
import type { LifecycleJobDeps, RunDeps } from '#jobs/deps.ts'
import { queueJobsLeft } from '#jobs/queue-left.ts'
import { JobQueue } from '#jobs/queue.ts'
import { runJob } from '#jobs/run.ts'
import { RunEnd } from '#jobs/run-end.ts'
import { suspendKek } from '#keks/suspend.ts'
import type { Logger } from '#telemetry/log.ts'
import type { Custody } from './build-custody.ts'
import type { Storage } from './open-storage.ts'
import { runPeriodically } from './run-periodically.ts'

/** Lifecycle jobs: what starts them, and this node's part in carrying them out. */
export type Jobs = Readonly<{
  lifecycleJobs: LifecycleJobDeps
  /** From now on this node takes jobs, until it stops. */
  startWorking: () => Promise<void>
}>

/** For the queue alone: its supervisor, its heartbeats, and one poll for each job at once. */
const queueConnectionsMax = 4
const queueLeftPollMs = 5_000

type Options = Readonly<{
  config: Config
  log: Logger
  now: () => Date
  stopping: AbortSignal
  onUnexpected: (error: unknown) => void
}>

export async function buildJobs(
  stack: AsyncDisposableStack,
  storage: Storage,
  custody: Custody,
  options: Options,
): Promise<Jobs> {
  const { config, log, now, stopping, onUnexpected } = options
  const { db, ring } = storage
  const queue = stack.use(await openQueue(stack, storage, log))
  const lifecycleJobs: LifecycleJobDeps = {
    db,
    ring,
    now,
    enqueue: (trx, job) => queue.enqueue(trx, job),
  }
  const deps = runDeps(storage, custody, options)
  const run = async (job: { orgId: string; jobId: string }, signal: AbortSignal) => {
    const outcome = await runJob(deps, job, signal).catch((error: unknown) => {
      if (error instanceof RunEnd) return error.kind
      log.error({ err: error, ...job }, 'a run of a lifecycle job failed')
      return 'failed' as const
    })
    log.info({ ...job, outcome }, 'a run of a lifecycle job ended')
    // Makes the queue hand it out again, and is all that the queue is told.
    if (outcome === 'failed' || outcome === 'stopping') throw new Error('The run ended before its work.')
  }
  const startWorking = async () => {
    if (config.lifecycleJobsMax === 0) return
    await queue.work(config.lifecycleJobsMax, run, stopping)
    stack.use(runPeriodically(queueLeftPollMs, () => queueJobsLeft(lifecycleJobs), onUnexpected))
  }
  return { lifecycleJobs, startWorking }
}

async function openQueue(
  stack: AsyncDisposableStack,
  { connection }: Storage,
  log: Logger,
): Promise<JobQueue> {
  const db = openDatabase({
    connection,
    poolMax: queueConnectionsMax,
    applicationName: 'hasp:jobs',
    onConnectionLost: (error) => log.warn({ err: error }, 'a database connection broke'),
  })
  const onError = (error: unknown) => log.warn({ err: error }, 'the job queue met an error')
  return JobQueue.open({ db: stack.use(db), onError })
}

function runDeps(
  { db, ring, receipts }: Storage,
  { kekProviders, onKekGone }: Custody,
  { log, now }: Options,
): RunDeps {
  return {
    db,
    ring,
    now,
    kekProviders,
    journal: receipts,
    onRevoked: async (kek, fault) => {
      onKekGone(kek.id)
      await suspendKek({ db, ring, now }, kek, fault, 'lifecycle-job')
    },
    onTampered: (what) => log.error(what, 'a stored record was tampered with, and is not used'),
    runBy: `${hostname()}:${process.pid}`,
  }
}
