import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callModel, dialects, openStream, type Door } from '../support/agent-calls.ts'
import { waitUntil } from '../support/data-dir.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

let lendingHasp: Awaited<ReturnType<typeof startLendingHasp>>
let door: Door

beforeEach(async () => {
  lendingHasp = await startLendingHasp({ kekRules: { probeIntervalMs: 0 } })
  door = { url: lendingHasp.hasp.url, virtualKey: lendingHasp.lending.virtualKey }
})
afterEach(() => lendingHasp[Symbol.asyncDispose]())

const kekState = async () =>
  (await lendingHasp.hasp.api('GET', `/keks/${lendingHasp.lending.kekId}`)).body.state

type Effect = Parameters<
  (typeof lendingHasp)['surroundings']['emulator']['control']['injectFault']
>[0]['effect']
const injectFault = (effect: Effect, times: number) =>
  lendingHasp.surroundings.emulator.control.injectFault({ operation: 'Decrypt', effect, times })

const throttling = { type: 'error', code: 'ThrottlingException', httpStatus: 400 } as const
const outages = [
  { what: 'does not answer', effect: { type: 'hang' }, code: 'kek_unreachable' },
  { what: 'loses the connection', effect: { type: 'reset' }, code: 'kek_unreachable' },
  { what: 'throttles', effect: throttling, code: 'kek_throttled' },
] as const

describe.each(outages)('a KMS that $what', ({ effect, code }) => {
  it.each(dialects)(
    'is told to the %s caller as 503 with retry-after, and revokes nothing',
    async (dialect) => {
      const provider = lendingHasp.surroundings[dialect]
      const stream = await openStream(door, dialect, provider)
      const reachedBefore = provider.requestCount()
      // The call and its one retry.
      injectFault(effect, 2)
      const reply = await callModel(door, dialect)
      expect(reply).toMatchObject({ status: 503, code })
      expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
      expect(reply.headers['x-should-retry']).not.toBe('false')
      expect(provider.requestCount()).toBe(reachedBefore)
      expect(await kekState()).toBe('active')
      // Service resumes by itself, and what ran goes on.
      expect((await callModel(door, dialect)).status).toBe(200)
      expect(await Promise.race([stream.ended, Promise.resolve('runs')])).toBe('runs')
    },
  )
})

describe('a KMS that is away for long', () => {
  it('is no longer waited for after some failures, and is found again by itself', async () => {
    injectFault({ type: 'reset' }, 1_000)
    for (let call = 0; call < 4; call += 1) {
      expect(await callModel(door, 'openai')).toMatchObject({ status: 503, code: 'kek_unreachable' })
    }
    const { control } = lendingHasp.surroundings.emulator
    control.clearFaults()
    // The circuit is open: this answer comes without asking the KMS.
    control.clearEvents()
    expect(await callModel(door, 'openai')).toMatchObject({ status: 503, code: 'kek_unreachable' })
    expect(control.events({ eventName: 'Decrypt' })).toEqual([])
    expect(await kekState()).toBe('active')
    await waitUntil(async () => (await callModel(door, 'openai')).status === 200)
  })
})
