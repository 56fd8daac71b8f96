import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callModel, type Door } from '../support/agent-calls.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

let lendingHasp: Awaited<ReturnType<typeof startLendingHasp>>
let door: Door

beforeAll(async () => {
  lendingHasp = await startLendingHasp({ kekRules: { probeIntervalMs: 0 } })
  door = { url: lendingHasp.hasp.url, virtualKey: lendingHasp.lending.virtualKey }
})
afterAll(() => lendingHasp[Symbol.asyncDispose]())

const control = () => lendingHasp.surroundings.emulator.control
const setRules = (rules: object) => lendingHasp.hasp.api('PATCH', `/keks/${lendingHasp.lending.kekId}`, rules)

/** Request ids of the Decrypts in the customer's trail, since the last `clearEvents`. */
const decrypts = () =>
  control()
    .events({ eventName: 'Decrypt' })
    .map((event) => event.requestID)

async function receipts(ids: readonly string[]) {
  const { body } = await lendingHasp.hasp.api('GET', '/receipts?limit=100')
  return body.items.filter((receipt: { receiptId: string }) => ids.includes(receipt.receiptId))
}

/** Many calls at once. @returns their receipts */
async function callTogether(count: number) {
  control().clearEvents()
  const replies = await Promise.all(Array.from({ length: count }, () => callModel(door, 'openai')))
  expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]))
  const written = await receipts(replies.map((reply) => String(reply.headers['x-hasp-receipt'])))
  expect(written).toHaveLength(count)
  return written.map((receipt: { unwrap: unknown }) => receipt.unwrap)
}

describe('mode strict', () => {
  it('asks the KMS once for each call, also for calls at the same time', async () => {
    await setRules({ unwrapMode: 'strict' })
    const unwraps = await callTogether(20)
    expect(decrypts()).toHaveLength(20)
    const requestIds = unwraps.map((unwrap: { kmsRequestId: string }) => unwrap.kmsRequestId)
    expect(new Set(requestIds)).toEqual(new Set(decrypts()))
  })
})

describe('mode shared', () => {
  it('lets calls at the same time share a Decrypt, and each receipt names the one it used', async () => {
    await setRules({ unwrapMode: 'shared' })
    control().setLatency({ operation: 'Decrypt', latencyMs: 150 })
    const unwraps: { unwrapId: string; kmsRequestId: string; isReused: boolean; mode: string }[] =
      await callTogether(20)
    control().clearFaults()
    expect(decrypts().length).toBeLessThan(20)
    expect(new Set(unwraps.map((unwrap) => unwrap.kmsRequestId))).toEqual(new Set(decrypts()))
    expect(new Set(unwraps.map((unwrap) => unwrap.mode))).toEqual(new Set(['shared']))
    // Every unwrap has one receipt that asked for it; all others say that they reused it.
    const first = unwraps.filter((unwrap) => !unwrap.isReused)
    expect(new Set(first.map((unwrap) => unwrap.unwrapId)).size).toBe(decrypts().length)
    expect(first).toHaveLength(decrypts().length)
  })

  it('asks the KMS anew for a call that comes after the answer', async () => {
    await setRules({ unwrapMode: 'shared' })
    control().clearEvents()
    await callModel(door, 'openai')
    await callModel(door, 'openai')
    expect(decrypts()).toHaveLength(2)
  })
})

describe('mode cached', () => {
  it('serves from memory up to the ceiling at most, whatever the KMS would say by then', async () => {
    const ceilingMs = 600
    await setRules({ unwrapMode: 'cached', cacheCeilingMs: ceilingMs })
    control().clearEvents()
    const first = await callModel(door, 'openai')
    control().setKeyState({ keyId: lendingHasp.surroundings.keyArn, state: 'Disabled' })
    const served = []
    let reply = await callModel(door, 'openai')
    for (; reply.status === 200; reply = await callModel(door, 'openai')) served.push(reply)
    expect(reply).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect(served.length).toBeGreaterThan(0)
    for (const { startedAtMs, headers } of served) {
      expect(headers['x-hasp-unwrap']).toContain('mode=cached; reused')
      expect(startedAtMs - first.endedAtMs).toBeLessThan(ceilingMs)
    }
    expect(decrypts()).toHaveLength(2)
    control().setKeyState({ keyId: lendingHasp.surroundings.keyArn, state: 'Enabled' })
    await lendingHasp.hasp.api('POST', `/keks/${lendingHasp.lending.kekId}/verify`)
  })

  it('asks the KMS anew when the unwrap has served as often as it may', async () => {
    await setRules({ unwrapMode: 'cached', cacheCeilingMs: 60_000, cacheUsesMax: 3 })
    control().clearEvents()
    for (let call = 0; call < 7; call += 1) expect((await callModel(door, 'openai')).status).toBe(200)
    expect(decrypts()).toHaveLength(3)
  })
})
