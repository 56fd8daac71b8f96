import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openaiCredential, startLendingHasp } from '../support/lending-hasp.ts'
import { callApi } from '../support/running-hasp.ts'
import { untilWaiting } from '../support/until-waiting.ts'

describe('an admin token that is revoked while what it asked for is on its way', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    running = await startLendingHasp()
  })
  afterAll(() => running[Symbol.asyncDispose]())
  afterEach(() => running.surroundings.emulator.control.clearFaults())

  const thief = async () => {
    const { body } = await running.hasp.api('POST', '/admin-tokens', { name: 'thief' })
    return {
      id: body.id as string,
      api: (method: string, path: string, given?: unknown) =>
        callApi(running.hasp.url, body.token, method, path, given),
    }
  }
  const revoke = async (id: string) =>
    expect((await running.hasp.api('POST', `/admin-tokens/${id}/revoke`)).status).toBe(200)
  const newTarget = () => ({
    name: 'stolen',
    provider: 'openai',
    baseUrl: running.surroundings.openai.origin,
    kekId: running.lending.kekId,
    credential: openaiCredential,
    validate: false,
  })
  const kindsBy = async (tokenId: string) => {
    const { body } = await running.hasp.api('GET', '/ledger?limit=100')
    return body.items
      .filter((entry: { actor: string }) => entry.actor === `admin-token:${tokenId}`)
      .map((entry: { kind: string }) => entry.kind)
  }

  it('stores no target once the KMS has answered', async () => {
    const { control } = running.surroundings.emulator
    const token = await thief()
    control.setLatency({ operation: 'Encrypt', latencyMs: 700 })
    const storing = token.api('POST', '/api-targets', newTarget())
    await sleep(250)
    await revoke(token.id)
    const { status, body } = await storing
    expect([status, body.code]).toEqual([401, 'unauthenticated'])
    expect(body.detail).toContain('nothing was changed')
    expect(JSON.stringify((await running.hasp.api('GET', '/api-targets')).body)).not.toContain('stolen')
    expect(await kindsBy(token.id)).toEqual([])
  })

  it('shows no credential to a provider in a test of a target', async () => {
    const { openai, emulator } = running.surroundings
    const token = await thief()
    const seenBefore = openai.requestCount()
    emulator.control.setLatency({ operation: 'Decrypt', latencyMs: 700 })
    const testing = token.api('POST', `/api-targets/${running.lending.openaiTargetId}/test`)
    await sleep(250)
    await revoke(token.id)
    expect((await testing).status).toBe(401)
    expect(openai.requestCount()).toBe(seenBefore)
    expect(await kindsBy(token.id)).toEqual([])
  })

  it('activates no KEK that it was verifying', async () => {
    const { hasp } = running
    const kek = (await hasp.api('POST', '/keks', { name: 'second', provider: 'local' })).body
    const token = await thief()
    const { database } = hasp.context
    const verifying = await database.transaction(async (trx) => {
      await trx.selectFrom('organisations').select('id').where('id', '=', hasp.orgId).forUpdate().execute()
      const asked = token.api('POST', `/keks/${kek.id}/verify`)
      await untilWaiting(database)
      const revoked = { revoked_at: new Date() }
      await trx.updateTable('admin_tokens').set(revoked).where('id', '=', token.id).execute()
      return { asked }
    })
    expect((await verifying.asked).status).toBe(401)
    expect((await hasp.api('GET', `/keks/${kek.id}`)).body.state).toBe('pre-activation')
  })

  it('loses a race for the organisation’s lock: whatever waits behind the revocation is refused', async () => {
    const { hasp, lending } = running
    const token = await thief()
    const { database } = hasp.context
    const waiting: Promise<{ status: number }>[] = []
    const held = Promise.withResolvers<void>()
    const isHeld = Promise.withResolvers<void>()
    const holding = database.transaction(async (trx) => {
      await trx.selectFrom('organisations').select('id').where('id', '=', hasp.orgId).forUpdate().execute()
      isHeld.resolve()
      await held.promise
    })
    await isHeld.promise
    const revoking = hasp.api('POST', `/admin-tokens/${token.id}/revoke`)
    await untilWaiting(database, 1)
    waiting.push(token.api('POST', '/virtual-keys', { name: 'stolen', targetIds: 'all' }))
    await untilWaiting(database, 2)
    waiting.push(token.api('POST', '/admin-tokens', { name: 'successor' }))
    await untilWaiting(database, 3)
    waiting.push(token.api('DELETE', `/api-targets/${lending.anthropicTargetId}`))
    await untilWaiting(database, 4)
    held.resolve()
    await holding
    expect((await revoking).status).toBe(200)
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([401, 401, 401])
    expect(await kindsBy(token.id)).toEqual([])
    expect((await hasp.api('GET', `/api-targets/${lending.anthropicTargetId}`)).status).toBe(200)
  })

  it('loses it too with what lends nothing by itself: links, drills, lifecycle jobs', async () => {
    const { hasp, lending } = running
    const { kekId } = lending
    const link = (await hasp.api('POST', `/keks/${kekId}/onboarding-links`, {})).body
    const token = await thief()
    const { database } = hasp.context
    const held = Promise.withResolvers<void>()
    const isHeld = Promise.withResolvers<void>()
    const holding = database.transaction(async (trx) => {
      await trx.selectFrom('organisations').select('id').where('id', '=', hasp.orgId).forUpdate().execute()
      isHeld.resolve()
      await held.promise
    })
    await isHeld.promise
    const revoking = hasp.api('POST', `/admin-tokens/${token.id}/revoke`)
    await untilWaiting(database, 1)
    const asked = [
      ['POST', `/keks/${kekId}/onboarding-links`, {}],
      ['POST', `/keks/${kekId}/onboarding-links/${link.id}/revoke`, undefined],
      ['POST', `/keks/${kekId}/drills`, {}],
      ['POST', '/lifecycle-jobs', { kind: 'rewrap', fromKekId: kekId }],
    ] as const
    const waiting: Promise<{ status: number }>[] = []
    for (const [method, path, body] of asked) {
      waiting.push(token.api(method, path, body))
      await untilWaiting(database, 1 + waiting.length)
    }
    held.resolve()
    await holding
    expect((await revoking).status).toBe(200)
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(asked.map(() => 401))
    expect(await kindsBy(token.id)).toEqual([])
    const { items } = (await hasp.api('GET', `/keks/${kekId}/onboarding-links`)).body
    expect(items).toMatchObject([{ id: link.id, revokedAt: null }])
    expect((await hasp.api('GET', '/lifecycle-jobs')).body.items).toEqual([])
  })
})
