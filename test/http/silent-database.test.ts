import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintToken } from '#integrity/token.ts'
import { createTestDatabase } from '../support/database.ts'
import { startForgetfulRelay, type ForgetfulRelay } from '../support/forgetful-relay.ts'
import { startHasp, urlOf, type RunningHasp } from '../support/running-hasp.ts'

describe('tokens, where every connection to the database has died in silence', () => {
  const stack = new AsyncDisposableStack()
  let relay: ForgetfulRelay
  let hasp: RunningHasp
  beforeAll(async () => {
    const database = stack.use(await createTestDatabase())
    relay = await startForgetfulRelay(database.connection)
    hasp = stack.use(await startHasp({}, { databaseUrl: urlOf(relay.connection) }))
    // First, so that Hasp need not wait for anybody at its end.
    stack.use(relay)
  })
  afterAll(() => stack.disposeAsync())

  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  const askAll = () =>
    Promise.all([
      fetch(`${hasp.url}/api/v1/keks`, bearer(mintToken('hasp_admin').token)),
      fetch(`${hasp.url}/onboarding/${mintToken('hasp_link').token}`),
      fetch(`${hasp.url}/openai/v1/models`, bearer(mintToken('hasp_vk').token)),
    ])

  it('hear soon that it does not answer and to come again, and are looked up over new ones then', async () => {
    const known = (await askAll()).map(({ status }) => status)
    expect(known).toEqual([401, 404, 401])
    // More of them than one round uses.
    await Promise.all([askAll(), askAll(), askAll()])
    relay.forget()

    const startedAtMs = performance.now()
    const refused = await askAll()
    expect(performance.now() - startedAtMs).toBeLessThan(10_000)
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503])
    for (const reply of refused) expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    const [api, page, proxy] = await Promise.all(refused.map((reply) => reply.text()))
    expect(JSON.parse(api ?? '')).toMatchObject({
      code: 'overloaded',
      detail: expect.stringContaining('The database does not answer'),
    })
    expect(page).toContain('The database does not answer. Try again shortly.')
    expect(JSON.parse(proxy ?? '')).toMatchObject({ error: { code: 'ledger_unavailable' } })

    const againAtMs = performance.now()
    expect((await askAll()).map(({ status }) => status)).toEqual(known)
    expect(performance.now() - againAtMs).toBeLessThan(3_000)
    expect(hasp.logLines.join('\n')).toContain('The database did not answer within 4500 ms.')
  })
})
