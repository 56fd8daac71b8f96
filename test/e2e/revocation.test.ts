import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RecordedRequest } from '#emulators/llm/request-journal.ts'
import { callModel, dialects, openStream, type Dialect, type Door } from '../support/agent-calls.ts'
import { waitUntil } from '../support/data-dir.ts'
import { deafen, listenersOf } from '../support/deafen.ts'
import { holdEntries } from '../support/hold-entries.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

let lendingHasp: Awaited<ReturnType<typeof startLendingHasp>>
let door: Door

beforeAll(async () => {
  lendingHasp = await startLendingHasp({ env: { HASP_SUSPENDED_PROBE_INTERVAL_MS: '100' } })
  door = { url: lendingHasp.hasp.url, virtualKey: lendingHasp.lending.virtualKey }
})
afterAll(() => lendingHasp[Symbol.asyncDispose]())

const provider = (dialect: Dialect) => lendingHasp.surroundings[dialect]
const setKeyState = (state: 'Enabled' | 'Disabled') => {
  const { emulator, keyArn } = lendingHasp.surroundings
  emulator.control.setKeyState({ keyId: keyArn, state })
}
const setRules = (rules: object) => lendingHasp.hasp.api('PATCH', `/keks/${lendingHasp.lending.kekId}`, rules)
const kek = async () => (await lendingHasp.hasp.api('GET', `/keks/${lendingHasp.lending.kekId}`)).body
const receiptOf = async (receiptId: string) => {
  const { body } = await lendingHasp.hasp.api('GET', '/receipts?limit=100')
  return body.items.find((receipt: { receiptId: string }) => receipt.receiptId === receiptId)
}

beforeEach(async () => {
  setKeyState('Enabled')
  await waitUntil(async () => (await kek()).state === 'active')
  await setRules({ unwrapMode: 'strict', streamRule: 'cut', probeIntervalMs: 0 })
})

describe('a customer who disables the KEK in strict mode', () => {
  it.each(dialects)('has the very next %s call refused, before it reaches the provider', async (dialect) => {
    expect((await callModel(door, dialect)).status).toBe(200)
    const reachedBefore = provider(dialect).requestCount()
    setKeyState('Disabled')
    const reply = await callModel(door, dialect)
    expect(reply).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect(reply.headers['x-should-retry']).toBe('false')
    expect(provider(dialect).requestCount()).toBe(reachedBefore)
    expect(await kek()).toMatchObject({ state: 'suspended', stateReason: 'DisabledException' })
  })

  it.each(dialects)('cuts a running %s stream, and its reader and receipt say why', async (dialect) => {
    const stream = await openStream(door, dialect, provider(dialect))
    setKeyState('Disabled')
    await callModel(door, 'openai')
    expect(await stream.ended).toMatchObject({ isBroken: true, code: 'kek_revoked' })
    await waitUntil(() => provider(dialect).requests().at(-1)?.isAborted === true)
    await waitUntil(async () => (await receiptOf(stream.receiptId)).outcome?.end === 'cut-on-revocation')
  })

  it('lets running streams end under the rule drain, and refuses new calls', async () => {
    await setRules({ streamRule: 'drain' })
    const stream = await openStream(door, 'openai', provider('openai'), { pieces: 25, pieceMs: 20 })
    setKeyState('Disabled')
    expect(await callModel(door, 'anthropic')).toMatchObject({ status: 403, code: 'kek_revoked' })
    const { isBroken, text } = await stream.ended
    expect(isBroken).toBe(false)
    expect(text).toContain('data: [DONE]')
  })

  it('has its idle organisation cut off by the probe, and served again by the probe', async () => {
    await setRules({ probeIntervalMs: 100 })
    const stream = await openStream(door, 'anthropic', provider('anthropic'))
    setKeyState('Disabled')
    expect(await stream.ended).toMatchObject({ isBroken: true, code: 'kek_revoked' })
    await waitUntil(async () => (await kek()).state === 'suspended')
    setKeyState('Enabled')
    await waitUntil(async () => (await kek()).state === 'active')
    expect((await callModel(door, 'anthropic')).status).toBe(200)
    const { body } = await lendingHasp.hasp.api('GET', '/ledger?limit=20')
    const byProbe = body.items.filter((entry: { actor: string }) => entry.actor === 'probe')
    const kinds = byProbe.map((entry: { kind: string }) => entry.kind)
    expect(kinds).toContain('kek.suspended')
    expect(kinds).toContain('kek.resumed')
  })

  it('has its streams cut by the probe also on a node that hears nothing', async () => {
    const { pool } = lendingHasp.hasp.context.database
    const stream = await openStream(door, 'anthropic', provider('anthropic'))
    await setRules({ probeIntervalMs: 100 })
    const { hear } = await deafen(pool, await listenersOf(pool))
    setKeyState('Disabled')
    expect(await stream.ended).toMatchObject({ isBroken: true, code: 'kek_revoked' })
    await hear()
    await waitUntil(async () => (await kek()).state === 'suspended')
  })
})

describe('a KEK disabled under load, twenty times', () => {
  it('lends to no call that starts after the key was disabled', async () => {
    let callsStarted = 0
    for (let trial = 1; trial <= 20; trial += 1) {
      setKeyState('Enabled')
      await waitUntil(async () => (await kek()).state === 'active')
      const stopping = new AbortController()
      const startCall = (when: string) => callModel(door, 'openai', `${when} ${trial} ${(callsStarted += 1)}`)
      const load = Array.from({ length: 6 }, async () => {
        while (!stopping.signal.aborted) await startCall('before')
      })
      await waitUntil(() =>
        provider('openai')
          .requests()
          .some(isOf(`before ${trial} `)),
      )
      stopping.abort()
      setKeyState('Disabled')
      const after = await Promise.all(Array.from({ length: 6 }, () => startCall('after')))
      await Promise.all(load)
      expect(after.map(({ status, code }) => ({ status, code }))).toEqual(
        after.map(() => ({ status: 403, code: 'kek_revoked' })),
      )
      expect(provider('openai').requests().filter(isOf('after '))).toEqual([])
    }
    expect(callsStarted).toBeGreaterThan(20 * 12)
  })

  const isOf = (prefix: string) => (request: RecordedRequest) =>
    request.headers['x-client-request-id']?.startsWith(prefix) === true
})

describe('a decision that is overtaken by a revocation', () => {
  it('never sends the credential where the receipt reaches the disk beside the revocation of its virtual key', async () => {
    const { hasp } = lendingHasp
    const issued = (await hasp.api('POST', '/virtual-keys', { name: 'overtaken', targetIds: 'all' })).body
    const agent = { ...door, virtualKey: issued.token }
    const witness = await openStream(agent, 'anthropic', provider('anthropic'))
    await using overtaken = await holdEntries(lendingHasp.hasp.context.database.pool, 'receipt.opened')
    const reachedBefore = provider('openai').requestCount()
    const held = callModel(agent, 'openai')
    await overtaken.reached()
    expect((await hasp.api('POST', `/virtual-keys/${issued.id}/revoke`)).status).toBe(200)
    // This node has heard of it, and has no receipt yet.
    expect(await witness.ended).toMatchObject({ code: 'virtual_key_revoked' })
    await overtaken.release()
    expect(await held).toMatchObject({ status: 401, code: 'virtual_key_revoked' })
    expect(provider('openai').requestCount()).toBe(reachedBefore)
  })

  it('is suspended for every node also while an admin changes the rules of the KEK', async () => {
    await using change = await holdEntries(lendingHasp.hasp.context.database.pool, 'kek.updated')
    const changed = setRules({ cacheCeilingMs: 1_234 })
    await change.reached()
    setKeyState('Disabled')
    const refused = callModel(door, 'openai')
    await waitUntil(async () => (await lockWaits()) > 0)
    await change.release()
    expect((await changed).status).toBe(200)
    expect(await refused).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect(await kek()).toMatchObject({ state: 'suspended', cacheCeilingMs: 1_234 })
  })

  it('never sends the credential for a virtual key that is revoked while the KMS is asked', async () => {
    const { hasp, surroundings } = lendingHasp
    const issued = await hasp.api('POST', '/virtual-keys', { name: 'short-lived', targetIds: 'all' })
    const reachedBefore = provider('openai').requestCount()
    surroundings.emulator.control.setLatency({ operation: 'Decrypt', latencyMs: 400 })
    const decryptsBefore = countDecrypts()
    const asked = callModel({ ...door, virtualKey: issued.body.token }, 'openai')
    await waitUntil(async () => (await countIntents()) > 0)
    expect((await hasp.api('POST', `/virtual-keys/${issued.body.id}/revoke`)).status).toBe(200)
    expect(await asked).toMatchObject({ status: 401, code: 'virtual_key_revoked' })
    expect(provider('openai').requestCount()).toBe(reachedBefore)
    // It was in the middle of the decision: the KMS had been asked.
    expect(countDecrypts()).toBeGreaterThan(decryptsBefore)
    surroundings.emulator.control.clearFaults()

    async function countIntents(): Promise<number> {
      const { body } = await hasp.api('GET', '/ledger?kind=unwrap.intended&limit=1')
      return Date.parse(body.items[0]?.occurredAt) >= Date.parse(issued.body.createdAt) ? 1 : 0
    }
  })
})

function countDecrypts(): number {
  return lendingHasp.surroundings.emulator.control.events({ eventName: 'Decrypt' }).length
}

/** How many changes wait for another one to end. */
async function lockWaits(): Promise<number> {
  const { rows } = await lendingHasp.hasp.context.database.pool.query(
    `SELECT 1 FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event = 'transactionid' AND query LIKE 'update "keks"%'`,
  )
  return rows.length
}
