import { fromKysely, PgBoss } from 'pg-boss'
import type { Database, Db } from '#db/database.ts'

/** A lifecycle job that is due; what is to be done stands in its own row, under a mac. */
export type DueJob = Readonly<{ orgId: string; jobId: string }>

type Options = Readonly<{
  /** A few connections of its own, so that neither the queue nor the API keeps the other waiting. */
  db: Database
  onError: (error: unknown) => void
}>

const schema = 'hasp_jobs'
const queueName = 'lifecycle-job'
/** Any constant will do; it says `hasq` in ASCII. */
const installLock = 0x68617371
/** A run that was killed is noticed after this and the supervisor's interval. pg-boss takes no less. */
const heartbeatSeconds = 10
const superviseSeconds = 5
const pollSeconds = 2
/** What pg-boss would do for flows and large tables, which there are none of. */
const seldomSeconds = 3_600
/** What pg-boss takes at most. A run that long goes on in another one. */
const runSecondsMax = 86_400
/** A crash costs one retry; whoever runs out of them is queued anew (queue-left.ts). */
const retriesMax = 1_000
const keptSeconds = 3_600
const stopTimeoutMs = 10_000

/**
 * pg-boss, in a schema of its own in Hasp's database: hands each due job to one node, and to another one when that
 * node stops answering. It decides nothing: a forged or repeated entry in it makes somebody look at a job that is
 * not due.
 */
export class JobQueue implements AsyncDisposable {
  readonly #boss: PgBoss

  private constructor(boss: PgBoss) {
    this.#boss = boss
  }

  /** Brings pg-boss's tables up to date and connects. Nodes that start together take turns. */
  static async open({ db, onError }: Options): Promise<JobQueue> {
    const boss = new PgBoss({
      db: { executeSql: (text, values) => db.pool.query(text, values) },
      schema,
      schedule: false,
      monitorVacuum: false,
      flowIntervalSeconds: seldomSeconds,
      bamIntervalSeconds: seldomSeconds,
      superviseIntervalSeconds: superviseSeconds,
      monitorIntervalSeconds: superviseSeconds,
    })
    boss.on('error', onError)
    await oneAtATime(db, async () => {
      await boss.start()
      await boss.createQueue(queueName, {
        policy: 'exclusive',
        expireInSeconds: runSecondsMax,
        heartbeatSeconds,
        retryLimit: retriesMax,
        retryDelay: 1,
        deleteAfterSeconds: keptSeconds,
      })
    })
    return new JobQueue(boss)
  }

  /** Queues a job, in the caller's transaction; one that is queued or at work already is left as it is. */
  async enqueue(db: Db, job: DueJob): Promise<void> {
    await this.#boss.send(queueName, job, { singletonKey: job.jobId, db: fromKysely(db) })
  }

  /**
   * Runs due jobs, at most `atOnceMax` of them at a time, until `stopping`. One that `run` fails on is run again a
   * moment later, here or elsewhere.
   */
  async work(
    atOnceMax: number,
    run: (job: DueJob, signal: AbortSignal) => Promise<unknown>,
    stopping: AbortSignal,
  ): Promise<void> {
    await this.#boss.work<DueJob>(
      queueName,
      { pollingIntervalSeconds: pollSeconds, localConcurrency: atOnceMax },
      async (jobs) => {
        for (const job of jobs) await run(job.data, AbortSignal.any([stopping, job.signal]))
      },
    )
    stopping.addEventListener('abort', () => void this.#boss.offWork(queueName).catch(() => {}), {
      once: true,
    })
  }

  /** Waits for the runs under way, which have been told to stop, and gives back what they had. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#boss.stop({ graceful: true, timeout: stopTimeoutMs })
  }
}

/** Makes and updates the queue's tables, for whoever migrates without serving. */
export async function installJobQueue(db: Database): Promise<void> {
  await using _ = await JobQueue.open({ db, onError: () => {} })
}

async function oneAtATime(db: Database, work: () => Promise<void>): Promise<void> {
  const client = await db.pool.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [installLock])
    await work()
  } finally {
    // Ends the session, and its lock with it.
    client.release(true)
  }
}
