import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { suspendKek } from '#keks/suspend.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

describe('a test of a target', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  beforeEach(async () => {
    running = await startLendingHasp()
  })
  afterEach(() => running[Symbol.asyncDispose]())

  /** Starts a test, and does something else while the KMS thinks about the unwrap. */
  const testWhile = async (meanwhile: () => Promise<unknown>) => {
    const { hasp, surroundings, lending } = running
    surroundings.emulator.control.setLatency({ operation: 'Decrypt', latencyMs: 700 })
    const testing = hasp.api('POST', `/api-targets/${lending.openaiTargetId}/test`)
    await sleep(250)
    surroundings.emulator.control.clearFaults()
    await meanwhile()
    return testing
  }
  const entries = async (kind: string) =>
    (await running.hasp.api('GET', `/ledger?limit=100&kind=${kind}`)).body.items

  it('is in the ledger before the provider sees the credential', async () => {
    const { hasp, lending } = running
    const { status, body } = await hasp.api('POST', `/api-targets/${lending.openaiTargetId}/test`)
    expect([status, body.verification]).toEqual([200, 'accepted'])
    const [tested] = await entries('target.tested')
    expect(tested.details).toMatchObject({ generation: 1, kmsRequestId: body.kmsRequestId })
  })

  it('shows nothing to the provider when the target was deleted while the KMS was asked', async () => {
    const { hasp, surroundings, lending } = running
    const seenBefore = surroundings.openai.requestCount()
    const reply = await testWhile(() => hasp.api('DELETE', `/api-targets/${lending.openaiTargetId}`))
    expect([reply.status, reply.body.code]).toEqual([404, 'target_not_found'])
    expect(surroundings.openai.requestCount()).toBe(seenBefore)
    expect(await entries('target.tested')).toEqual([])
  })

  it('shows nothing to the provider when the KEK was suspended while the KMS, which knows nothing of it, unwrapped', async () => {
    const { surroundings, hasp, lending } = running
    const { database: db, ring } = hasp.context
    const seenBefore = surroundings.openai.requestCount()
    // No probe: it would ask the KMS, and resume the KEK.
    await db.pool.query('DELETE FROM kek_probes')
    const reply = await testWhile(() =>
      suspendKek(
        { db, ring, now: () => new Date() },
        { id: lending.kekId, orgId: hasp.orgId },
        new KekFault('revoked', 'DisabledException', 'The KMS key is disabled: enable it.'),
        'probe',
      ),
    )
    expect([reply.status, reply.body.code]).toEqual([409, 'target_kek_not_active'])
    expect(surroundings.openai.requestCount()).toBe(seenBefore)
    expect(await entries('target.tested')).toEqual([])
  })

  it('is decided anew on what holds now when something else of the organisation changed meanwhile', async () => {
    const { hasp, surroundings } = running
    const seenBefore = surroundings.openai.requestCount()
    const reply = await testWhile(() =>
      hasp.api('POST', '/virtual-keys', { name: 'other', targetIds: 'all' }),
    )
    expect([reply.status, reply.body.verification]).toEqual([200, 'accepted'])
    expect(surroundings.openai.requestCount()).toBe(seenBefore + 1)
    expect(await entries('target.tested')).toHaveLength(1)
    expect((await entries('unwrap.intended')).length).toBeGreaterThan(1)
  })
})
