import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callModel, type AgentReply, type Door } from '../support/agent-calls.ts'
import { waitUntil } from '../support/data-dir.ts'
import { deafen, listenersOf } from '../support/deafen.ts'
import { startGatedProvider, type GatedProvider } from '../support/gated-provider.ts'
import { openaiCredential, setUpLending, startSurroundings, type Lending } from '../support/lending-hasp.ts'
import type { Surroundings } from '../support/lending-hasp.ts'
import { startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

/** A call has its receipt, and no socket yet: its provider has not answered the TLS handshake. */
describe('a call that waits for its provider’s socket', () => {
  const stack = new AsyncDisposableStack()
  let hasp: RunningHasp
  let surroundings: Surroundings
  let lending: Lending
  let gate: GatedProvider
  let targetId: string
  let virtualKeyId: string
  let door: Door

  beforeAll(async () => {
    surroundings = stack.use(await startSurroundings())
    gate = stack.use(await startGatedProvider([openaiCredential]))
    const env = {
      ...surroundings.env,
      HASP_ALLOWED_UPSTREAMS: `${surroundings.env['HASP_ALLOWED_UPSTREAMS']},${gate.origin}`,
      HASP_SUSPENDED_PROBE_INTERVAL_MS: '100',
    }
    hasp = stack.use(await startHasp(env, { aws: surroundings.aws, upstreamCa: gate.ca }))
    lending = await setUpLending(hasp, surroundings)
  })
  afterAll(() => stack.disposeAsync())

  const made = async (path: string, body: object): Promise<AnyJson> => {
    const reply = await hasp.api('POST', path, body)
    if (reply.status !== 201) throw new Error(JSON.stringify(reply.body))
    return reply.body
  }
  const setKeyState = (state: 'Enabled' | 'Disabled') =>
    surroundings.emulator.control.setKeyState({ keyId: surroundings.keyArn, state })
  const kekState = async () => (await hasp.api('GET', `/keks/${lending.kekId}`)).body.state
  let count = 0

  beforeEach(async () => {
    setKeyState('Enabled')
    await waitUntil(async () => (await kekState()) === 'active')
    count += 1
    const target = await made('/api-targets', {
      name: `gated ${count}`,
      provider: 'openai',
      baseUrl: gate.origin,
      kekId: lending.kekId,
      credential: openaiCredential,
      validate: false,
    })
    targetId = target.id
    const issued = await made('/virtual-keys', { name: `waiting ${count}`, targetIds: [targetId] })
    virtualKeyId = issued.id
    door = { url: hasp.url, virtualKey: issued.token }
    gate.shut()
  })

  /** A call whose connection stands at the gate: it is decided, and its receipt is on the disk. */
  const begin = async (): Promise<{ reply: Promise<AgentReply> }> => {
    const reply = callModel(door, 'openai')
    await Promise.race([gate.reached(1), reply])
    return { reply }
  }
  const receipts = async (): Promise<AnyJson[]> => {
    const { body } = await hasp.api('GET', '/receipts?limit=100')
    return body.items.filter((receipt: AnyJson) => receipt.virtualKeyId === virtualKeyId)
  }
  /** Opens the gate, and says how many requests come through. */
  const sentAfterAll = async () => {
    const before = gate.provider.requestCount()
    gate.open()
    await sleep(150)
    return gate.provider.requestCount() - before
  }
  const unsent = { end: 'refused', status: null, requestBytes: 0, responseBytes: 0 }

  it.each(['drain', 'cut'])(
    'is refused when its KEK is revoked meanwhile, under the rule %s',
    async (streamRule) => {
      await hasp.api('PATCH', `/keks/${lending.kekId}`, { streamRule })
      const { reply } = await begin()
      setKeyState('Disabled')
      const witness = { url: hasp.url, virtualKey: lending.virtualKey }
      expect(await callModel(witness, 'anthropic')).toMatchObject({ status: 403 })
      expect(await sentAfterAll()).toBe(0)
      expect(await reply).toMatchObject({ status: 403, code: 'kek_revoked' })
      await waitUntil(async () => (await receipts())[0]?.outcome !== null)
      expect(await receipts()).toMatchObject([{ outcome: unsent }])
    },
  )

  it('is refused when its virtual key is revoked meanwhile', async () => {
    const { reply } = await begin()
    expect((await hasp.api('POST', `/virtual-keys/${virtualKeyId}/revoke`)).status).toBe(200)
    expect(await reply).toMatchObject({ status: 401, code: 'virtual_key_revoked' })
    expect(await sentAfterAll()).toBe(0)
    await waitUntil(async () => (await receipts())[0]?.outcome !== null)
    expect(await receipts()).toMatchObject([{ outcome: unsent }])
  })

  it('is refused when its target is deleted meanwhile', async () => {
    const { reply } = await begin()
    expect((await hasp.api('DELETE', `/api-targets/${targetId}`)).status).toBeLessThan(300)
    expect((await reply).status).toBeGreaterThanOrEqual(400)
    expect((await reply).code).toBe('target_not_allowed')
    expect(await sentAfterAll()).toBe(0)
  })

  it('is refused when its virtual key loses this target meanwhile', async () => {
    const { reply } = await begin()
    const narrowed = { targetIds: [lending.anthropicTargetId] }
    expect((await hasp.api('PATCH', `/virtual-keys/${virtualKeyId}`, narrowed)).status).toBe(200)
    expect(await reply).toMatchObject({ status: 403, code: 'target_not_allowed' })
    expect(await sentAfterAll()).toBe(0)
  })

  it('is sent once, on a decision of its own, when its virtual key changed and still allows it', async () => {
    const { reply } = await begin()
    const changed = { targetIds: [targetId], models: ['gpt-*'] }
    expect((await hasp.api('PATCH', `/virtual-keys/${virtualKeyId}`, changed)).status).toBe(200)
    await waitUntil(async () => (await receipts()).length === 2)
    expect(await sentAfterAll()).toBe(1)
    expect(await reply).toMatchObject({ status: 200 })
    await waitUntil(async () => (await receipts()).every(({ outcome }) => outcome !== null))
    const ends = (await receipts()).map(({ outcome }) => outcome)
    expect(ends.filter(({ end }) => end === 'refused')).toMatchObject([unsent])
    expect(ends.filter(({ end }) => end === 'completed')).toMatchObject([{ status: 200 }])
  })

  it('is sent under its first decision when something else of its organisation changed', async () => {
    const { reply } = await begin()
    await made('/virtual-keys', { name: `beside ${count}`, targetIds: 'all' })
    expect(await sentAfterAll()).toBe(1)
    expect(await reply).toMatchObject({ status: 200 })
    expect(await receipts()).toHaveLength(1)
  })

  it('is decided anew when its node hears again after it heard nothing', async () => {
    const { pool } = hasp.context.database
    const { hear } = await deafen(pool, await listenersOf(pool))
    const { reply } = await begin()
    expect((await hasp.api('POST', `/virtual-keys/${virtualKeyId}/revoke`)).status).toBe(200)
    expect(await Promise.race([reply, sleep(50, 'waits')])).toBe('waits')
    await hear()
    expect(await reply).toMatchObject({ status: 401, code: 'virtual_key_revoked' })
    expect(await sentAfterAll()).toBe(0)
  })
})
