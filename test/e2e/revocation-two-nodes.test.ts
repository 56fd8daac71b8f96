import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callModel, openStream, type Door } from '../support/agent-calls.ts'
import { waitUntil } from '../support/data-dir.ts'
import { holdEntries } from '../support/hold-entries.ts'
import { openaiCredential } from '../support/lending-hasp.ts'
import { startTwoNodes, type TwoNodes } from '../support/two-nodes.ts'

let nodes: TwoNodes
let doorA: Door
let doorB: Door

beforeAll(async () => {
  nodes = await startTwoNodes()
  const { virtualKey } = nodes.lending
  doorA = { url: nodes.a.url, virtualKey }
  doorB = { url: nodes.b.url, virtualKey }
})
afterAll(() => nodes[Symbol.asyncDispose]())

const setKeyState = (state: 'Enabled' | 'Disabled') =>
  nodes.surroundings.emulator.control.setKeyState({ keyId: nodes.surroundings.keyArn, state })
const setRules = (rules: object) => nodes.a.api('PATCH', `/keks/${nodes.lending.kekId}`, rules)
const kekState = async () => (await nodes.a.api('GET', `/keks/${nodes.lending.kekId}`)).body.state
const refused = { status: 403, code: 'kek_revoked' }

beforeEach(async () => {
  setKeyState('Enabled')
  await waitUntil(async () => (await kekState()) === 'active')
  await setRules({ unwrapMode: 'strict', probeIntervalMs: 0 })
})

describe('a KEK that one node finds revoked', () => {
  it('has its streams cut on the other node, which refuses too', async () => {
    const { openai } = nodes.surroundings
    const stream = await openStream(doorB, 'openai', openai)
    setKeyState('Disabled')
    expect(await callModel(doorA, 'openai')).toMatchObject(refused)
    expect(await stream.ended).toMatchObject({ isBroken: true, code: 'kek_revoked' })
    const reachedBefore = openai.requestCount()
    expect(await callModel(doorB, 'openai')).toMatchObject(refused)
    expect(openai.requestCount()).toBe(reachedBefore)
  })

  it('lends nothing on a node that hears nothing, and has its streams cut when that node hears again', async () => {
    const { openai } = nodes.surroundings
    await callModel(doorB, 'openai')
    const stream = await openStream(doorB, 'anthropic', nodes.surroundings.anthropic)
    const { hear } = await nodes.deafenB()
    setKeyState('Disabled')
    expect(await callModel(doorA, 'openai')).toMatchObject(refused)
    expect(await kekState()).toBe('suspended')
    const reachedBefore = openai.requestCount()
    expect(await callModel(doorB, 'openai')).toMatchObject(refused)
    expect(openai.requestCount()).toBe(reachedBefore)
    // Nobody told it: what runs, runs.
    expect(await Promise.race([stream.ended, Promise.resolve('runs')])).toBe('runs')
    await hear()
    expect(await stream.ended).toMatchObject({ isBroken: true, code: 'kek_revoked' })
  })

  it('never has the credential sent where a receipt reaches the disk beside the suspension', async () => {
    const { openai, anthropic } = nodes.surroundings
    const witness = await openStream(doorA, 'anthropic', anthropic)
    await using overtaken = await holdEntries(nodes.a.context.database.pool, 'receipt.opened')
    const reachedBefore = openai.requestCount()
    const held = callModel(doorA, 'openai')
    await overtaken.reached()
    setKeyState('Disabled')
    expect(await callModel(doorB, 'openai')).toMatchObject(refused)
    // This node has heard of it, and has no receipt yet.
    expect(await witness.ended).toMatchObject({ code: 'kek_revoked' })
    await overtaken.release()
    expect(await held).toMatchObject(refused)
    expect(openai.requestCount()).toBe(reachedBefore)
  })

  it('has its streams cut on a node that hears nothing but asks the KMS itself', async () => {
    const { anthropic } = nodes.surroundings
    const stream = await openStream(doorB, 'anthropic', anthropic)
    const { hear } = await nodes.deafenB()
    setKeyState('Disabled')
    expect(await callModel(doorB, 'openai')).toMatchObject(refused)
    expect(await stream.ended).toMatchObject({ isBroken: true, code: 'kek_revoked' })
    await hear()
  })
})

describe('mode cached', () => {
  it('forgets what it holds on every node as soon as one node sees the revocation', async () => {
    await setRules({ unwrapMode: 'cached', cacheCeilingMs: 60_000 })
    const { openai, emulator } = nodes.surroundings
    for (const door of [doorA, doorB]) {
      await callModel(door, 'openai')
      expect((await callModel(door, 'openai')).headers['x-hasp-unwrap']).toContain('mode=cached; reused')
    }
    setKeyState('Disabled')
    // Both would go on for a minute.
    for (const door of [doorA, doorB]) expect((await callModel(door, 'openai')).status).toBe(200)
    // Nothing is held of this target: the KMS is asked, and says no.
    const decryptsBefore = emulator.control.events({ eventName: 'Decrypt' }).length
    expect(await callModel(doorA, 'anthropic')).toMatchObject(refused)
    expect(emulator.control.events({ eventName: 'Decrypt' }).length).toBeGreaterThan(decryptsBefore)
    const reachedBefore = openai.requestCount()
    for (const door of [doorA, doorB]) expect(await callModel(door, 'openai')).toMatchObject(refused)
    expect(openai.requestCount()).toBe(reachedBefore)
  })

  it('opens nothing from memory on a node that hears nothing', async () => {
    await setRules({ unwrapMode: 'cached', cacheCeilingMs: 60_000 })
    const { openai } = nodes.surroundings
    await callModel(doorB, 'openai')
    const { hear } = await nodes.deafenB()
    setKeyState('Disabled')
    expect(await callModel(doorA, 'anthropic')).toMatchObject(refused)
    const reachedBefore = openai.requestCount()
    expect(await callModel(doorB, 'openai')).toMatchObject(refused)
    expect(openai.requestCount()).toBe(reachedBefore)
    await hear()
  })
})

describe.each(['strict', 'cached'])('what one node takes away, in mode %s', (unwrapMode) => {
  beforeEach(() => setRules({ unwrapMode, cacheCeilingMs: 60_000 }))

  it('refuses a revoked virtual key on the other node from the very next request on', async () => {
    const { openai } = nodes.surroundings
    const issued = await nodes.a.api('POST', '/virtual-keys', {
      name: `agent ${unwrapMode}`,
      targetIds: 'all',
    })
    const door = { url: nodes.b.url, virtualKey: issued.body.token }
    expect((await callModel(door, 'openai')).status).toBe(200)
    const reachedBefore = openai.requestCount()
    expect((await nodes.a.api('POST', `/virtual-keys/${issued.body.id}/revoke`)).status).toBe(200)
    expect(await callModel(door, 'openai')).toMatchObject({ status: 401, code: 'virtual_key_revoked' })
    expect(openai.requestCount()).toBe(reachedBefore)
  })

  it('refuses a deleted target on the other node from the very next request on', async () => {
    const { openai } = nodes.surroundings
    const stored = await nodes.a.api('POST', '/api-targets', {
      name: `second ${unwrapMode}`,
      provider: 'openai',
      baseUrl: openai.origin,
      kekId: nodes.lending.kekId,
      credential: openaiCredential,
    })
    const issued = await nodes.a.api('POST', '/virtual-keys', {
      name: `narrow ${unwrapMode}`,
      targetIds: [stored.body.id],
    })
    const door = { url: nodes.b.url, virtualKey: issued.body.token }
    expect((await callModel(door, 'openai')).status).toBe(200)
    const reachedBefore = openai.requestCount()
    expect((await nodes.a.api('DELETE', `/api-targets/${stored.body.id}`)).status).toBeLessThan(300)
    expect((await callModel(door, 'openai')).status).toBeGreaterThanOrEqual(400)
    expect(openai.requestCount()).toBe(reachedBefore)
  })
})
