import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { openDatabase } from '#db/database.ts'
import { JobQueue } from '#jobs/queue.ts'
import { waitUntil } from '../../support/data-dir.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

let stack: AsyncDisposableStack
let database: TestDatabase
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await createTestDatabase())
})
afterEach(() => stack.disposeAsync())

const openQueue = async () => {
  const { connection } = database
  const db = stack.use(openDatabase({ connection, poolMax: 4, applicationName: 'hasp:test-jobs' }))
  const errors: unknown[] = []
  const queue = stack.use(await JobQueue.open({ db, onError: (error) => errors.push(error) }))
  stack.defer(() => expect(errors).toEqual([]))
  return queue
}
const job = () => ({ orgId: newId(), jobId: newId() })

describe('the job queue', () => {
  it('is made once by nodes that start together', async () => {
    const queues = await Promise.all([openQueue(), openQueue(), openQueue()])
    expect(queues).toHaveLength(3)
  })

  it('hands a job to one node, however often it is queued', async () => {
    const stopping = new AbortController()
    const runs: string[] = []
    const [a, b] = [await openQueue(), await openQueue()]
    const due = job()
    const done = Promise.withResolvers<void>()
    for (const queue of [a, b]) {
      const run = async ({ jobId }: { jobId: string }) => {
        runs.push(jobId)
        await done.promise
      }
      await queue.work(2, run, stopping.signal)
    }
    for (let time = 0; time < 3; time += 1) await a.enqueue(database.db.kysely, due)
    await waitUntil(() => runs.length > 0)
    await b.enqueue(database.db.kysely, due)
    const other = job()
    await b.enqueue(database.db.kysely, other)
    await waitUntil(() => runs.includes(other.jobId))
    expect(runs.toSorted()).toEqual([due.jobId, other.jobId].toSorted())
    done.resolve()
    stopping.abort()
  })

  it('queues nothing where the transaction is undone', async () => {
    const queue = await openQueue()
    const runs: string[] = []
    const stopping = new AbortController()
    await queue.work(1, async ({ jobId }) => void runs.push(jobId), stopping.signal)
    const undone = job()
    const undoing = database.db.transaction(async (trx) => {
      await queue.enqueue(trx, undone)
      throw new Error('undone')
    })
    await expect(undoing).rejects.toThrow('undone')
    const kept = job()
    await queue.enqueue(database.db.kysely, kept)
    await waitUntil(() => runs.length > 0)
    expect(runs).toEqual([kept.jobId])
    stopping.abort()
  })

  it('gives what a stopping node had to another one', async () => {
    const [a, b] = [await openQueue(), await openQueue()]
    const stoppingA = new AbortController()
    const stoppingB = new AbortController()
    const runs: string[] = []
    const run = (name: string) => async (_: object, signal: AbortSignal) => {
      runs.push(name)
      if (name === 'b') return
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopping')), { once: true })
      })
    }
    await a.work(1, run('a'), stoppingA.signal)
    await a.enqueue(database.db.kysely, job())
    await waitUntil(() => runs.length === 1)
    await b.work(1, run('b'), stoppingB.signal)
    stoppingA.abort()
    await a[Symbol.asyncDispose]()
    await waitUntil(() => runs.length === 2)
    expect(runs).toEqual(['a', 'b'])
    stoppingB.abort()
  })
})
