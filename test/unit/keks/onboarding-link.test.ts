import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHasp, urlOf, type RunningHasp } from '../../support/running-hasp.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

describe('rows of onboarding that were changed in the database', () => {
  let database: TestDatabase
  let hasp: RunningHasp
  let kekId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    hasp = await startHasp({}, { databaseUrl: urlOf(database.connection) })
    kekId = (await hasp.api('POST', '/keks', { name: 'trial', provider: 'local' })).body.id
    await hasp.api('POST', `/keks/${kekId}/verify`)
  })
  afterAll(async () => {
    await hasp[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })
  const change = (statement: string, ...values: unknown[]) => database.db.pool.query(statement, values)
  const issue = async () => (await hasp.api('POST', `/keks/${kekId}/onboarding-links`, {})).body
  const open = (path: string) => fetch(hasp.url + path)

  it.each([
    ['an end put off', "expires_at = now() + interval '1 year'"],
    ['another KEK', 'kek_id = $2'],
    ['a revocation taken back', 'revoked_at = NULL'],
  ])('let nobody in by a link with %s', async (_, assignment) => {
    const other = (await hasp.api('POST', '/keks', { name: `other ${assignment}`, provider: 'local' })).body
      .id
    const link = await issue()
    if (assignment.startsWith('revoked')) {
      await hasp.api('POST', `/keks/${kekId}/onboarding-links/${link.id}/revoke`)
    } else expect((await open(link.path)).status).toBe(200)
    const values = assignment.includes('$2') ? [link.id, other] : [link.id]
    await change(`UPDATE onboarding_links SET ${assignment} WHERE id = $1`, ...values)
    const reply = await open(link.path)
    expect(reply.status).toBe(500)
    expect(await reply.text()).not.toContain(kekId)
  })

  it('let nobody plant a link, and show no verification that was prettified', async () => {
    const link = await issue()
    await change('UPDATE onboarding_links SET digest = $2 WHERE id = $1', link.id, Buffer.alloc(32, 7))
    expect((await open(link.path)).status).toBe(404)
    await change("UPDATE kek_verifications SET verdict = 'surplus' WHERE kek_id = $1", kekId)
    const { body } = await hasp.api('GET', `/keks/${kekId}/verifications`)
    expect([body.items.length, body.tampered.length]).toEqual([0, 1])
    expect((await hasp.api('GET', `/keks/${kekId}`)).body.verification).toBeNull()
  })
})
