import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import type { IdempotencyRecord } from '#idempotency/record.ts'
import { deleteExpiredIdempotencyRecords } from '#idempotency/repository.ts'
import { completeIdempotent, releaseIdempotent, reserveIdempotent } from '#idempotency/reserve.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { insertOrganisation } from '../../support/ledger.ts'
import { untilWaiting } from '../../support/until-waiting.ts'

const ring = new SecretRing({ current: randomBytes(32) })
const at = new Date('2026-01-01T00:00:00Z')
const later = (ms: number) => new Date(at.getTime() + ms)
const digest = randomBytes(32)

let database: TestDatabase
let orgId: string
beforeAll(async () => {
  database = await createTestDatabase()
  orgId = await insertOrganisation(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())

const reserve = (idempotencyKey: string, fields: { now?: Date; digest?: Buffer; orgId?: string } = {}) =>
  reserveIdempotent(database.db.kysely, ring, {
    orgId: fields.orgId ?? orgId,
    idempotencyKey,
    digests: [fields.digest ?? digest],
    now: fields.now ?? at,
  })

async function reserved(...given: Parameters<typeof reserve>): Promise<IdempotencyRecord> {
  const reservation = await reserve(...given)
  if (reservation.outcome !== 'reserved') throw new Error(`Not reserved, but ${reservation.outcome}.`)
  return reservation.attempt
}

const complete = (attempt: IdempotencyRecord, body: unknown, status = 201) =>
  completeIdempotent(database.db.kysely, ring, attempt, { status, body })

describe('reserving an idempotency key', () => {
  it('is done by one of many, and the rest hear that it is under way', async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => reserve('many')))
    expect(outcomes.filter(({ outcome }) => outcome === 'reserved')).toHaveLength(1)
    expect(outcomes.filter(({ outcome }) => outcome === 'in-progress')).toHaveLength(9)
  })

  it.each([{ id: 'x', list: [1, null] }, null, 'text', []])(
    'gives the answer back that was kept: %j',
    async (body) => {
      const idempotencyKey = newId()
      expect(await complete(await reserved(idempotencyKey), body, 204)).toBe(true)
      expect(await reserve(idempotencyKey)).toEqual({ outcome: 'done', status: 204, body })
    },
  )

  it('is refused to another request, while it is under way and afterwards', async () => {
    const attempt = await reserved('other')
    expect(await reserve('other', { digest: randomBytes(32) })).toEqual({ outcome: 'other-request' })
    await complete(attempt, {})
    expect(await reserve('other', { digest: randomBytes(32) })).toEqual({ outcome: 'other-request' })
  })

  it('is known under the previous secret’s digest too, and under no other', async () => {
    await complete(await reserved('rotated'), 'first')
    const again = (digests: Buffer[]) =>
      reserveIdempotent(database.db.kysely, ring, { orgId, idempotencyKey: 'rotated', digests, now: at })
    expect(await again([randomBytes(32), digest])).toMatchObject({ outcome: 'done', body: 'first' })
    expect(await again([randomBytes(32), randomBytes(32)])).toEqual({ outcome: 'other-request' })
  })

  it('is free again after a failure', async () => {
    await releaseIdempotent(database.db.kysely, await reserved('failed'))
    expect(await reserve('failed', { digest: randomBytes(32) })).toMatchObject({ outcome: 'reserved' })
  })

  it('is taken over by one, a minute after whoever had it died', async () => {
    await reserve('died')
    expect(await reserve('died', { now: later(59_999) })).toEqual({ outcome: 'in-progress' })
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => reserve('died', { now: later(60_000) })),
    )
    expect(outcomes.filter(({ outcome }) => outcome === 'reserved')).toHaveLength(1)
  })

  it('is each organisation’s own', async () => {
    await reserve('shared')
    expect(await reserve('shared', { orgId: await insertOrganisation(database.db) })).toMatchObject({
      outcome: 'reserved',
    })
  })

  it('is forgotten when it is old', async () => {
    await reserve('old')
    await reserve('young', { now: later(1_000) })
    await deleteExpiredIdempotencyRecords(database.db.kysely, later(1_000))
    expect([await reserve('old'), await reserve('young')]).toMatchObject([
      { outcome: 'reserved' },
      { outcome: 'in-progress' },
    ])
  })
})

describe('a slow attempt whose key was taken over', () => {
  const takenOver = async () => {
    const idempotencyKey = newId()
    const slow = await reserved(idempotencyKey)
    return { idempotencyKey, slow, next: await reserved(idempotencyKey, { now: later(60_000) }) }
  }

  it('can not write its answer: the change that it belongs to must be undone', async () => {
    const { idempotencyKey, slow, next } = await takenOver()
    expect(await complete(slow, 'slow')).toBe(false)
    expect(await complete(next, 'next')).toBe(true)
    expect(await complete(slow, 'slow')).toBe(false)
    expect(await reserve(idempotencyKey)).toMatchObject({ outcome: 'done', body: 'next' })
  })

  it('can not free the key of the next attempt', async () => {
    const { idempotencyKey, slow } = await takenOver()
    await releaseIdempotent(database.db.kysely, slow)
    expect(await reserve(idempotencyKey, { now: later(60_001) })).toEqual({ outcome: 'in-progress' })
  })

  it('keeps the key when it is just committing: whoever takes over waits, and gets its answer', async () => {
    const idempotencyKey = newId()
    const slow = await reserved(idempotencyKey)
    const written = Promise.withResolvers<void>()
    const commit = Promise.withResolvers<void>()
    const committing = database.db.transaction(async (trx) => {
      expect(await completeIdempotent(trx, ring, slow, { status: 201, body: 'slow' })).toBe(true)
      written.resolve()
      await commit.promise
    })
    await written.promise
    const takingOver = reserve(idempotencyKey, { now: later(60_000) })
    await untilWaiting(database.db)
    commit.resolve()
    await committing
    expect(await takingOver).toMatchObject({ outcome: 'done', body: 'slow' })
  })

  it('does not free a key whose change did commit', async () => {
    const idempotencyKey = newId()
    const attempt = await reserved(idempotencyKey)
    await complete(attempt, 'done')
    await releaseIdempotent(database.db.kysely, attempt)
    expect(await reserve(idempotencyKey)).toMatchObject({ outcome: 'done', body: 'done' })
  })
})

describe('a record that was edited in the database', () => {
  it.each([
    ['body', `'"forged"'`],
    ['status', '200'],
    ['status', '0'],
    ['request_digest', `'\\x00'`],
    ['created_at', `'2020-01-01Z'`],
    ['created_at', `'infinity'`],
    ['attempt', `'019a0000-0000-7000-8000-000000000000'`],
    ['mac', `'\\x00'`],
  ])('is not repeated: %s = %s', async (column, value) => {
    const idempotencyKey = newId()
    await complete(await reserved(idempotencyKey), { id: 'x' })
    const { rowCount } = await database.db.pool.query(
      `UPDATE idempotency_records SET ${column} = ${value} WHERE idempotency_key = $1`,
      [idempotencyKey],
    )
    expect(rowCount).toBe(1)
    await expect(reserve(idempotencyKey)).rejects.toMatchObject({
      code: 'row_tampered',
      table: 'idempotency_records',
    })
  })

  it('is not repeated when it is another key’s or another organisation’s', async () => {
    const other = await insertOrganisation(database.db)
    await complete(await reserved('mine'), { id: 'x' })
    const move = (to: { orgId: string; idempotencyKey: string }) =>
      database.db.pool.query(
        `INSERT INTO idempotency_records
         SELECT $1, $2, request_digest, attempt, status, body, created_at, mac
         FROM idempotency_records WHERE org_id = $3 AND idempotency_key = 'mine'`,
        [to.orgId, to.idempotencyKey, orgId],
      )
    await move({ orgId, idempotencyKey: 'copy' })
    await move({ orgId: other, idempotencyKey: 'mine' })
    await expect(reserve('copy')).rejects.toMatchObject({ code: 'row_tampered' })
    await expect(reserve('mine', { orgId: other })).rejects.toMatchObject({ code: 'row_tampered' })
  })
})
