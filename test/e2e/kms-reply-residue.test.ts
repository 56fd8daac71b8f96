import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { callModel } from '../support/agent-calls.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

const wholeBuffer = 65_536

describe('the buffer into which Node reads all connections', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  let reads: Buffer[] = []
  beforeAll(async () => {
    running = await startLendingHasp()
    // oxlint-disable-next-line typescript/unbound-method -- called on its socket below
    const push = Socket.prototype.push
    vi.spyOn(Socket.prototype, 'push').mockImplementation(function (this: Socket, chunk, encoding) {
      if (Buffer.isBuffer(chunk)) reads.push(Buffer.from(chunk))
      return push.call(this, chunk, encoding)
    })
  })
  afterEach(() => {
    reads = []
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    await running[Symbol.asyncDispose]()
  })

  const call = () => callModel({ url: running.hasp.url, virtualKey: running.lending.virtualKey }, 'openai')
  const overwritings = () =>
    reads.filter((read) => read.length === wholeBuffer && read.every((byte) => byte === 0)).length
  const lastDek = () => reads.findLastIndex((read) => read.includes('"Plaintext"'))
  const lastOverwriting = () => reads.findLastIndex((read) => read.length === wholeBuffer)

  it('is overwritten after a KMS has answered with a DEK, though no body of the management API came', async () => {
    await sleep(300)
    reads = []
    expect((await call()).status).toBe(200)
    await vi.waitUntil(() => lastOverwriting() > lastDek())
    expect(lastDek()).toBeGreaterThanOrEqual(0)
    expect(overwritings()).toBeGreaterThan(0)
  })

  it('is overwritten a few times for many calls, and after the last of them', async () => {
    await sleep(300)
    reads = []
    const startedAtMs = performance.now()
    const replies = await Promise.all(Array.from({ length: 60 }, call))
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
    await vi.waitUntil(() => lastOverwriting() > lastDek())
    const decrypts = reads.filter((read) => read.includes('"Plaintext"')).length
    expect(decrypts).toBeGreaterThanOrEqual(60)
    // One overwriting is up to two reads that fill the buffer.
    expect(overwritings()).toBeLessThanOrEqual(2 * ((performance.now() - startedAtMs) / 50 + 1))
  })
})
