import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSurroundings, type Surroundings } from '../support/lending-hasp.ts'
import { startHasp, type RunningHasp } from '../support/running-hasp.ts'

describe('a key that serves one KEK at a time', () => {
  let surroundings: Surroundings
  let hasp: RunningHasp
  beforeAll(async () => {
    surroundings = await startSurroundings()
    hasp = await startHasp(surroundings.env, { aws: surroundings.aws })
  })
  afterAll(async () => {
    await hasp[Symbol.asyncDispose]()
    await surroundings[Symbol.asyncDispose]()
  })

  async function register(name: string): Promise<string> {
    const { keyArn, roleArn } = surroundings
    const { body } = await hasp.api('POST', '/keks', { name, provider: 'aws', keyArn, roleArn })
    surroundings.grant(body.access.externalId, hasp.orgId)
    return body.id
  }

  it('lets a botched registration be retired, and a retired KEK’s key be registered again', async () => {
    const botched = await register('botched')
    const { keyArn, roleArn } = surroundings
    const twice = await hasp.api('POST', '/keks', { name: 'used', provider: 'aws', keyArn, roleArn })
    expect(twice).toMatchObject({ status: 409, body: { code: 'kek_already_registered' } })
    expect(twice.body.detail).toContain('"botched" (pre-activation)')
    const retired = await hasp.api('POST', `/keks/${botched}/retire`)
    expect([retired.status, retired.body.state]).toEqual([200, 'deactivated'])
    const used = await register('used')
    expect((await hasp.api('POST', `/keks/${used}/verify`)).body.kek.state).toBe('active')

    expect((await hasp.api('POST', `/keks/${used}/retire`)).status).toBe(200)
    const again = await register('used')
    expect((await hasp.api('POST', `/keks/${again}/verify`)).body.kek.state).toBe('active')
  })

  it('names a KEK whose row was tampered with by its id alone, and is free again once that is retired', async () => {
    const { keyArn, roleArn } = surroundings
    const { items } = (await hasp.api('GET', '/keks?limit=100')).body
    for (const { id } of items) await hasp.api('POST', `/keks/${id}/retire`)
    const renamed = await register('genuine')
    await hasp.context.database.pool.query(`UPDATE keks SET name = 'forged' WHERE id = $1`, [renamed])
    const again = { name: 'genuine', provider: 'aws', keyArn, roleArn }
    const { body: refusal } = await hasp.api('POST', '/keks', again)
    expect(refusal.code).toBe('kek_already_registered')
    expect(refusal.detail).toContain(
      `as the KEK ${renamed} already, whose record was changed outside of Hasp`,
    )
    const { body: retired } = await hasp.api('POST', `/keks/${renamed}/retire`)
    expect(retired).toMatchObject({ name: `tampered-${renamed}`, state: 'deactivated' })
    expect(JSON.stringify([refusal, retired])).not.toContain('forged')
    await register('genuine')
  })
})
