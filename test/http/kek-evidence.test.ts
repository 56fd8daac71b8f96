import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLendingHasp } from '../support/lending-hasp.ts'

let started: Awaited<ReturnType<typeof startLendingHasp>>
beforeAll(async () => {
  started = await startLendingHasp({ kekRules: { probeIntervalMs: 0 } })
})
afterAll(() => started[Symbol.asyncDispose]())

const kmsEvents = () => started.surroundings.emulator.control.events()

describe('a verification or a test repeated under one Idempotency-Key', () => {
  it.each([
    ['keks', () => started.lending.kekId, 'verify'],
    ['api-targets', () => started.lending.openaiTargetId, 'test'],
  ])('of %s asks the KMS once, and answers the same again', async (noun, id, verb) => {
    const { hasp } = started
    const headers = { 'idempotency-key': `repeat-${verb}` }
    const path = `/${noun}/${id()}/${verb}`
    const first = await hasp.api('POST', path, undefined, headers)
    expect(first.status).toBe(200)
    const before = kmsEvents().length
    const again = await hasp.api('POST', path, undefined, headers)
    expect(again).toMatchObject({ status: 200, body: first.body })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(kmsEvents()).toHaveLength(before)
    expect((await hasp.api('POST', path)).body).not.toEqual(first.body)
  })
})

describe('a canary that the KMS unwrapped', () => {
  it('has the request id in the ledger by which its owner finds the unwrap', async () => {
    const { hasp, lending } = started
    const query = `/ledger?kekId=${lending.kekId}&kind=unwrap.completed`
    await expect.poll(async () => (await hasp.api('GET', query)).body.items.length).toBeGreaterThan(0)
    const { items } = (await hasp.api('GET', query)).body
    const decrypts = new Set(
      kmsEvents()
        .filter(({ eventName }) => eventName === 'Decrypt')
        .map(({ requestID }) => requestID),
    )
    for (const { actor, details } of items) {
      expect(['probe', 'verification']).toContain(actor)
      expect(decrypts).toContain(details.kmsRequestId)
      const intent = await hasp.api('GET', `/ledger?kekId=${lending.kekId}&kind=unwrap.intended&limit=100`)
      expect(intent.body.items.map((entry: { entryId: string }) => entry.entryId)).toContain(details.unwrapId)
    }
  })
})

describe('an unwrap that a verification makes to be refused', () => {
  it('is told in the ledger from one that the probe was refused', async () => {
    const { hasp, lending } = started
    await hasp.api('POST', `/keks/${lending.kekId}/verify`)
    const query = `/ledger?kekId=${lending.kekId}&kind=unwrap.refused`
    await expect.poll(async () => (await hasp.api('GET', query)).body.items.length).toBeGreaterThan(1)
    const { items } = (await hasp.api('GET', query)).body
    for (const { actor } of items) expect(actor).toBe('verification')
  })
})

describe('a KEK whose key is disabled', () => {
  it('fails its verification by the request that said so, and is warned of once', async () => {
    const { hasp, surroundings, lending } = started
    surroundings.emulator.control.setKeyState({ keyId: surroundings.keyArn, state: 'Disabled' })
    const { body } = await hasp.api('POST', `/keks/${lending.kekId}/verify`)
    const [described] = body.checks
    expect(described).toMatchObject({ name: 'describe', isPassed: false, fault: { kind: 'revoked' } })
    expect(kmsEvents().map(({ requestID }) => requestID)).toContain(described.kmsRequestId)

    const refused = await fetch(`${hasp.url}/openai/v1/models`, {
      headers: { authorization: `Bearer ${lending.virtualKey}` },
    })
    expect(refused.status).toBe(403)
    const suspended = async () => (await hasp.api('GET', `/keks/${lending.kekId}`)).body.state
    await expect.poll(suspended).toBe('suspended')
    // The notice of the suspension has come back by the time that the one of a later change has.
    await hasp.api('PATCH', `/keks/${lending.kekId}`, { name: 'later' })
    const again = await fetch(`${hasp.url}/openai/v1/models`, {
      headers: { authorization: `Bearer ${lending.virtualKey}` },
    })
    expect(again.status).toBe(403)
    const warnings = hasp.logLines.filter((line) => line.includes('a KEK may no longer be used'))
    expect(warnings).toHaveLength(1)
  })
})
