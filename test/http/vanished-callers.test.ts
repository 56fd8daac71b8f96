import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { waitUntil } from '../support/data-dir.ts'
import { openaiCredential, startLendingHasp } from '../support/lending-hasp.ts'

describe('a caller who hangs up while its credential is being stored', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    running = await startLendingHasp()
  })
  afterAll(() => running[Symbol.asyncDispose]())

  it('leaves no credential behind, whenever it goes', async () => {
    const taken = vi.spyOn(SecretBytes, 'take')
    for (let trial = 0; trial < 60; trial += 1) await sendAndVanish(`gone ${trial}`, (trial % 12) / 2)
    const alive = () => taken.mock.results.filter(({ value }) => !isDisposed(value)).length
    await waitUntil(() => alive() === 0)
    expect(taken.mock.results.length).toBeGreaterThan(10)
  })

  /** Sends a whole request, and resets its connection `ms` later. */
  async function sendAndVanish(name: string, ms: number): Promise<void> {
    const { hasp, lending, surroundings } = running
    const { hostname, port } = new URL(hasp.url)
    const target = { name, provider: 'openai', baseUrl: surroundings.openai.origin, kekId: lending.kekId }
    const body = JSON.stringify({ ...target, credential: openaiCredential })
    const head = [
      'POST /api/v1/api-targets HTTP/1.1',
      `host: ${hostname}`,
      `authorization: Bearer ${hasp.token}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
    ]
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    await sleep(ms)
    socket.resetAndDestroy()
    await once(socket, 'close')
  }
})

function isDisposed(secret: SecretBytes): boolean {
  try {
    return secret.length === -1
  } catch {
    return true
  }
}
