import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { deleteExpiredIdempotencyRecords } from '#idempotency/repository.ts'
import { completeIdempotent, releaseIdempotent, reserveIdempotent } from '#idempotency/reserve.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { insertOrganisation } from '../../support/ledger.ts'

describe('reserving an idempotency key', () => {
  let database: TestDatabase
  let orgId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    orgId = await insertOrganisation(database.db)
  })
  afterAll(() => database[Symbol.asyncDispose]())

  const at = new Date('2026-01-01T00:00:00Z')
  const later = (ms: number) => new Date(at.getTime() + ms)
  const digest = randomBytes(32)
  const reserve = (idempotencyKey: string, fields: { now?: Date; digest?: Buffer; orgId?: string } = {}) =>
    reserveIdempotent(database.db.kysely, { orgId, idempotencyKey, digest, now: at, ...fields })
  const complete = (idempotencyKey: string, body: unknown, status = 201) =>
    completeIdempotent(database.db.kysely, { orgId, idempotencyKey, status, body })

  it('is done by one of many, and the rest hear that it is under way', async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => reserve('many')))
    expect(outcomes.filter(({ outcome }) => outcome === 'reserved')).toHaveLength(1)
    expect(outcomes.filter(({ outcome }) => outcome === 'in-progress')).toHaveLength(9)
  })

  it.each([{ id: 'x', list: [1, null] }, null, 'text', []])(
    'gives the answer back that was kept: %j',
    async (body) => {
      const idempotencyKey = newId()
      await reserve(idempotencyKey)
      await complete(idempotencyKey, body, 204)
      expect(await reserve(idempotencyKey)).toEqual({ outcome: 'done', status: 204, body })
    },
  )

  it('is refused to another request, while it is under way and afterwards', async () => {
    await reserve('other')
    expect(await reserve('other', { digest: randomBytes(32) })).toEqual({ outcome: 'other-request' })
    await complete('other', {})
    expect(await reserve('other', { digest: randomBytes(32) })).toEqual({ outcome: 'other-request' })
  })

  it('is free again after a failure', async () => {
    await reserve('failed')
    await releaseIdempotent(database.db.kysely, { orgId, idempotencyKey: 'failed' })
    expect(await reserve('failed', { digest: randomBytes(32) })).toEqual({ outcome: 'reserved' })
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
    expect(await reserve('shared', { orgId: await insertOrganisation(database.db) })).toEqual({
      outcome: 'reserved',
    })
  })

  it('is forgotten when it is old', async () => {
    await reserve('old')
    await reserve('young', { now: later(1_000) })
    await deleteExpiredIdempotencyRecords(database.db.kysely, later(1_000))
    expect([await reserve('old'), await reserve('young')]).toEqual([
      { outcome: 'reserved' },
      { outcome: 'in-progress' },
    ])
  })
})
