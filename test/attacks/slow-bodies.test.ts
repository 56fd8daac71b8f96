import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLendingHasp } from '../support/lending-hasp.ts'

describe('a body that is sent slowly, or in crumbs', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    running = await startLendingHasp()
  })
  afterAll(() => running[Symbol.asyncDispose]())

  function begin(path: string, token: string, more: Record<string, string> = {}): ClientRequest {
    return httpRequest(running.hasp.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more },
    })
  }

  async function answerTo(request: ClientRequest): Promise<{ status: number; code: string }> {
    // The event's one argument is the answer.
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    const text = Buffer.concat(await answer.toArray()).toString()
    const body = JSON.parse(text)
    return { status: answer.statusCode ?? 0, code: body.code ?? body.error?.code ?? '' }
  }

  it('does nothing for an admin token that was revoked while it arrived', async () => {
    const { hasp } = running
    const issued = (await hasp.api('POST', '/admin-tokens', { name: 'thief' })).body
    const body = JSON.stringify({ name: 'successor' })
    const parked = begin('/api/v1/admin-tokens', issued.token, { 'content-length': String(body.length) })
    parked.write(body.slice(0, 3))
    await sleep(100)
    expect((await hasp.api('POST', `/admin-tokens/${issued.id}/revoke`)).status).toBe(200)
    const answer = answerTo(parked)
    parked.end(body.slice(3))
    expect(await answer).toMatchObject({ status: 401 })
  })

  it('is refused where the virtual key expired while it arrived', async () => {
    const { hasp, surroundings } = running
    const expiresAt = new Date(Date.now() + 1500).toISOString()
    const issued = (await hasp.api('POST', '/virtual-keys', { name: 'brief', targetIds: 'all', expiresAt }))
      .body
    const body = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] })
    const seenBefore = surroundings.openai.requestCount()
    const late = begin('/openai/v1/chat/completions', issued.token, { 'content-length': String(body.length) })
    late.write(body.slice(0, 3))
    await sleep(1700)
    const answer = answerTo(late)
    late.end(body.slice(3))
    expect(await answer).toEqual({ status: 401, code: 'virtual_key_expired' })
    expect(surroundings.openai.requestCount()).toBe(seenBefore)
  })

  it('takes about as much memory as it has bytes, however small its pieces, and arrives whole', async () => {
    const { lending, surroundings } = running
    const crumbs = 200_000
    const heapBefore = process.memoryUsage().heapUsed
    const request = begin('/openai/v1/chat/completions', lending.virtualKey, {
      'transfer-encoding': 'chunked',
    })
    const answer = answerTo(request)
    request.write('{"model":"gpt-5","messages":[{"role":"user","content":"')
    const piece = 'x'.repeat(10)
    for (let sent = 0; sent < crumbs / 10; sent += 1) {
      if (!request.write(piece)) await once(request, 'drain')
    }
    request.end('"}]}')
    expect(await answer).toMatchObject({ status: 200 })
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(64 * 1024 * 1024)
    const sent = surroundings.openai.requests().at(-1)
    expect(sent?.isAborted).toBe(false)
  })

  it('is refused as malformed when a credential in it never ends', async () => {
    const { status, body } = await running.hasp.api('POST', '/api-targets', '{"credential":"')
    expect([status, body.code]).toEqual([400, 'body_malformed'])
  })
})
