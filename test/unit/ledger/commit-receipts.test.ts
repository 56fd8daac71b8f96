import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whereOf } from '#db/connection.ts'
import { openDatabase, type Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { ReceiptCommitter } from '#ledger/commit-receipts.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { startForgetfulRelay } from '../../support/forgetful-relay.ts'
import { insertOrganisation, makeOutcome, makeReceipt } from '../../support/ledger.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function countEntries(orgId: string): Promise<number> {
  const { rows } = await database.db.pool.query<{ count: string }>(
    'SELECT count(*) FROM ledger_entries WHERE org_id = $1',
    [orgId],
  )
  return Number(rows[0]?.count)
}

/** Keeps every writer out of the ledger until it is let go. */
async function blockLedger(): Promise<{ release: () => Promise<void> }> {
  const client = new Client(whereOf(database.connection))
  await client.connect()
  await client.query('BEGIN; LOCK TABLE ledger_entries IN EXCLUSIVE MODE')
  return { release: () => client.end() }
}

function openPool(applicationName: string, poolMax = 4): Database {
  return openDatabase({ connection: database.connection, poolMax, applicationName })
}

describe('a receipt that is committed', () => {
  it('is in the database, as others see it, when commit resolves', async () => {
    const orgId = await insertOrganisation(database.db)
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    const observer = new Client(whereOf(database.connection))
    await observer.connect()
    for (let i = 0; i < 20; i++) {
      const receipt = makeReceipt({ orgId })
      expect(await committer.commit(receipt)).toBe('committed')
      const query = 'SELECT kind FROM ledger_entries WHERE entry_id = $1'
      expect((await observer.query(query, [receipt.receiptId])).rows).toEqual([{ kind: 'receipt.opened' }])
    }
    await observer.end()
  })

  it('shares its commit with those that arrive beside it', async () => {
    const orgId = await insertOrganisation(database.db)
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    const results = await Promise.all(
      Array.from({ length: 1500 }, () => committer.commit(makeReceipt({ orgId }))),
    )
    expect(new Set(results)).toEqual(new Set(['committed']))
    const query =
      'SELECT count(DISTINCT xid) AS batches, count(*) AS rows FROM ledger_entries WHERE org_id = $1'
    const { rows } = await database.db.pool.query(query, [orgId])
    expect(rows).toEqual([{ batches: '3', rows: '1500' }])
  })

  it('keeps whatever text the client sent, and spoils no other receipt of its batch', async () => {
    const orgId = await insertOrganisation(database.db)
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    const models = ['\u0000', '\ud800', 'a\nb', `"'\\{},NULL`, '😀', '', null]
    const receipts = models.map((model) => makeReceipt({ orgId, model }))
    expect(new Set(await Promise.all(receipts.map((receipt) => committer.commit(receipt))))).toEqual(
      new Set(['committed']),
    )
    const query = 'SELECT body FROM ledger_entries WHERE org_id = $1 ORDER BY position'
    const { rows } = await database.db.pool.query<{ body: string }>(query, [orgId])
    expect(rows.map((row) => JSON.parse(row.body).details.model)).toEqual(models)
  })

  it('is one entry, even when the same receipt comes twice', async () => {
    const orgId = await insertOrganisation(database.db)
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    const receipt = makeReceipt({ orgId })
    await committer.commit(receipt)
    await committer.commit(receipt)
    expect(await countEntries(orgId)).toBe(1)
  })
})

describe('a receipt that was decided on what has changed since', () => {
  it('is stale under any epoch but the present one, and not written; others of its batch are', async () => {
    const orgId = await insertOrganisation(database.db)
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    await database.db.pool.query('UPDATE organisations SET epoch = 7 WHERE id = $1', [orgId])
    const epochs = ['6', '7', '8', '1', '7']
    const results = await Promise.all(epochs.map((epoch) => committer.commit(makeReceipt({ orgId, epoch }))))
    expect(results).toEqual(['stale', 'committed', 'stale', 'stale', 'committed'])
    expect(await countEntries(orgId)).toBe(2)
  })

  it('is stale for an organisation that does not exist', async () => {
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    expect(await committer.commit(makeReceipt({ orgId: newId() }))).toBe('stale')
  })

  it('is stale from the moment that the change is committed, under load, every time', async () => {
    const orgId = await insertOrganisation(database.db)
    await using committer = new ReceiptCommitter({ pool: database.db.pool })
    const load = { isOn: true }
    const background = Array.from({ length: 20 }, async () => {
      while (load.isOn) await committer.commit(makeReceipt({ orgId, epoch: '1' }))
    })
    await sleep(20)
    await database.db.pool.query('UPDATE organisations SET epoch = epoch + 1 WHERE id = $1', [orgId])
    const late = Array.from({ length: 200 }, () => committer.commit(makeReceipt({ orgId, epoch: '1' })))
    expect(new Set(await Promise.all(late))).toEqual(new Set(['stale']))
    load.isOn = false
    await Promise.all(background)
  })
})

describe('a receipt whose fate is unknown', () => {
  it('is refused when the connection breaks under it, and the next one succeeds', async () => {
    const orgId = await insertOrganisation(database.db)
    await using db = openPool('hasp:broken')
    await using committer = new ReceiptCommitter({ pool: db.pool })
    const block = await blockLedger()
    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'hasp:broken' AND wait_event_type = 'Lock'`
    const cutOff = async () => {
      await expect.poll(async () => (await database.db.pool.query(terminate)).rowCount).toBe(1)
    }
    const [committing] = await Promise.allSettled([committer.commit(makeReceipt({ orgId })), cutOff()])
    expect(committing).toMatchObject({ status: 'rejected', reason: { code: 'receipt_not_committed' } })
    await block.release()
    expect(await committer.commit(makeReceipt({ orgId }))).toBe('committed')
  })

  it('is refused when the database does not answer in time, and so are all of its batch', async () => {
    const orgId = await insertOrganisation(database.db)
    await using db = openPool('hasp:slow')
    await using committer = new ReceiptCommitter({ pool: db.pool, batchTimeoutMs: 200 })
    const block = await blockLedger()
    const results = await Promise.allSettled([1, 2, 3].map(() => committer.commit(makeReceipt({ orgId }))))
    await block.release()
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'receipt_not_committed' } })
    }
    expect(await committer.commit(makeReceipt({ orgId }))).toBe('committed')
  })

  it('is alone with its batch: whatever made its connection hang, the next batch takes a new one', async () => {
    const orgId = await insertOrganisation(database.db)
    await using relay = await startForgetfulRelay(database.connection)
    await using db = openDatabase({
      connection: relay.connection,
      poolMax: 4,
      applicationName: 'hasp:forgotten',
    })
    await using committer = new ReceiptCommitter({ pool: db.pool, batchTimeoutMs: 300 })
    const clients = await Promise.all([1, 2, 3, 4].map(() => db.pool.connect()))
    for (const client of clients) client.release()
    expect(db.pool.idleCount).toBe(4)
    relay.forget()
    await expect(committer.commit(makeReceipt({ orgId }))).rejects.toMatchObject({
      code: 'receipt_not_committed',
    })
    for (let batch = 0; batch < 4; batch += 1)
      expect(await committer.commit(makeReceipt({ orgId }))).toBe('committed')
    expect(await countEntries(orgId)).toBe(4)
  })

  it('is refused when no connection is to be had in time, and the one that comes late is given back', async () => {
    const orgId = await insertOrganisation(database.db)
    await using db = openPool('hasp:exhausted', 1)
    await using committer = new ReceiptCommitter({ pool: db.pool, batchTimeoutMs: 200 })
    const only = await db.pool.connect()
    await expect(committer.commit(makeReceipt({ orgId }))).rejects.toMatchObject({
      code: 'receipt_not_committed',
    })
    only.release()
    expect(await committer.commit(makeReceipt({ orgId }))).toBe('committed')
  })

  it('is refused at once when too many wait already', async () => {
    const orgId = await insertOrganisation(database.db)
    await using db = openPool('hasp:full')
    await using committer = new ReceiptCommitter({ pool: db.pool, queueMax: 10 })
    const waiting = Array.from({ length: 10 }, () => committer.commit(makeReceipt({ orgId })))
    await expect(committer.commit(makeReceipt({ orgId }))).rejects.toMatchObject({
      code: 'receipt_queue_full',
    })
    expect(await Promise.all(waiting)).toHaveLength(10)
    expect(await committer.commit(makeReceipt({ orgId }))).toBe('committed')
  })
})

describe('a committer that shuts down', () => {
  it('writes what waits, and refuses what comes after', async () => {
    const orgId = await insertOrganisation(database.db)
    const committer = new ReceiptCommitter({ pool: database.db.pool })
    const waiting = Array.from({ length: 1200 }, () => committer.commit(makeReceipt({ orgId })))
    await committer[Symbol.asyncDispose]()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['committed']))
    await expect(committer.commit(makeReceipt({ orgId }))).rejects.toMatchObject({ code: 'receipts_closed' })
    expect(await countEntries(orgId)).toBe(1200)
  })
})

describe('outcomes', () => {
  it('are written without anybody waiting, at the latest on shutdown, one for each receipt', async () => {
    const orgId = await insertOrganisation(database.db)
    const committer = new ReceiptCommitter({ pool: database.db.pool })
    const receipts = Array.from({ length: 700 }, () => makeReceipt({ orgId }))
    for (const receipt of receipts) committer.settle(makeOutcome(receipt))
    for (const receipt of receipts.slice(0, 10))
      committer.settle(makeOutcome(receipt, { end: 'cut-on-revocation' }))
    await committer[Symbol.asyncDispose]()
    const query = `SELECT receipt_id FROM ledger_entries WHERE org_id = $1 AND kind = 'receipt.settled' ORDER BY receipt_id`
    const { rows } = await database.db.pool.query<{ receipt_id: string }>(query, [orgId])
    expect(rows.map((row) => row.receipt_id)).toEqual(receipts.map((receipt) => receipt.receiptId).toSorted())
  })

  it('are written under whatever epoch, since the call has happened', async () => {
    const orgId = await insertOrganisation(database.db)
    const committer = new ReceiptCommitter({ pool: database.db.pool })
    await database.db.pool.query('UPDATE organisations SET epoch = 99 WHERE id = $1', [orgId])
    committer.settle(makeOutcome(makeReceipt({ orgId })))
    await committer[Symbol.asyncDispose]()
    expect(await countEntries(orgId)).toBe(1)
  })

  it('survive a connection that breaks', async () => {
    const orgId = await insertOrganisation(database.db)
    await using db = openPool('hasp:outcomes')
    const committer = new ReceiptCommitter({ pool: db.pool, batchTimeoutMs: 200 })
    const block = await blockLedger()
    committer.settle(makeOutcome(makeReceipt({ orgId })))
    await sleep(300)
    await block.release()
    await committer[Symbol.asyncDispose]()
    expect(await countEntries(orgId)).toBe(1)
  })

  it('that cannot be written, or for which there is no room, are counted', async () => {
    const orgId = await insertOrganisation(database.db)
    const lost: number[] = []
    const db = openPool('hasp:lost')
    await db[Symbol.asyncDispose]()
    const committer = new ReceiptCommitter({
      pool: db.pool,
      queueMax: 3,
      onOutcomesLost: (count) => lost.push(count),
    })
    for (let i = 0; i < 5; i++) committer.settle(makeOutcome(makeReceipt({ orgId })))
    await committer[Symbol.asyncDispose]()
    expect(lost).toEqual([1, 1, 3])
  })
})
