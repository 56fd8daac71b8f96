import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBesiegedHasp, type Besieged } from './support/besieged-hasp.ts'

const callsMax = 20
const mebibyte = 1024 * 1024

describe('an organisation that takes all that it can get of a node', () => {
  let besieged: Besieged
  const open: ClientRequest[] = []
  beforeAll(async () => {
    besieged = await startBesiegedHasp('local', {
      env: {
        HASP_STREAMS_MAX: String(callsMax),
        HASP_BODY_BYTES_IN_FLIGHT_MAX: String(32 * mebibyte),
        HASP_BODY_BYTES_MAX: String(4 * mebibyte),
        HASP_ORGANISATION_SHARE: '50',
      },
    })
  })
  afterAll(async () => {
    for (const held of open) held.destroy()
    await besieged[Symbol.asyncDispose]()
  })

  const begin = (path: string, headers: Record<string, string>): ClientRequest => {
    const outgoing = request(besieged.hasp.url + path, { method: 'POST', headers })
    outgoing.on('error', () => {})
    open.push(outgoing)
    return outgoing
  }
  const chat = (more: object = {}) =>
    JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }], ...more })
  const startStream = async (token: string): Promise<IncomingMessage> => {
    const outgoing = begin('/openai/v1/chat/completions', {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
    })
    outgoing.end(chat({ stream: true }))
    // The event's one argument is the answer.
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
    return reply
  }
  const release = async () => {
    for (const held of open.splice(0)) held.destroy()
    await expect.poll(callsUnderWay).toBe(0)
    await expect.poll(() => gauge('hasp_proxy_body_bytes_held')).toBe(0)
  }
  const gauge = async (name: string) => {
    const text = await (await fetch(`${besieged.hasp.url}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  }
  const callsUnderWay = () => gauge('hasp_proxy_calls_in_flight')

  it('gets its share of the calls, is told to wait beyond it, and others are served', async () => {
    const { a, b, call, surroundings } = besieged
    surroundings.openai.setStream({ chunkCount: 2_000, chunkDelayMs: 20 })
    for (let count = 0; count < callsMax / 2; count += 1) {
      expect((await startStream(a.agent.token)).statusCode).toBe(200)
    }
    const refused = await startStream(a.agent.token)
    expect(refused.statusCode).toBe(429)
    expect(refused.headers).toMatchObject({ 'x-hasp-error': 'organisation_busy', 'retry-after': '1' })
    expect(JSON.parse(Buffer.concat(await refused.toArray()).toString()).error).toMatchObject({
      type: 'rate_limit_error',
      code: 'organisation_busy',
    })
    // Its other virtual keys are of the same organisation.
    expect(await call(a.limited.token, 'bystander')).toMatchObject({ status: 429, code: 'organisation_busy' })
    surroundings.openai.setStream({ chunkCount: 8, chunkDelayMs: 0 })
    expect(await call(b.agent.token)).toMatchObject({ status: 200 })
    await release()
    expect(await call(a.agent.token)).toMatchObject({ status: 200 })
  })

  it('is told so in the words of Anthropic too', async () => {
    const { a, surroundings, hasp } = besieged
    surroundings.openai.setStream({ chunkCount: 2_000, chunkDelayMs: 20 })
    for (let count = 0; count < callsMax / 2; count += 1) await startStream(a.agent.token)
    surroundings.openai.setStream({ chunkCount: 8, chunkDelayMs: 0 })
    const reply = await fetch(`${hasp.url}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': a.agent.token, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'claude-x', max_tokens: 1, messages: [] }),
    })
    expect(reply.status).toBe(429)
    expect(await reply.json()).toMatchObject({
      error: { type: 'rate_limit_error', details: { error_code: 'organisation_busy' } },
    })
    await release()
  })

  it('gets its share of the memory for bodies, also where it sends them slowly, and others are served', async () => {
    const { a, b, call } = besieged
    const length = String(4 * mebibyte)
    const headers = { authorization: `Bearer ${a.agent.token}`, 'content-type': 'application/json' }
    for (let count = 0; count < 3; count += 1) {
      // Announced whole, sent but for its last byte.
      begin('/openai/v1/chat/completions', { ...headers, 'content-length': length }).write(
        Buffer.alloc(4 * mebibyte - 1, ' '),
      )
    }
    await expect.poll(() => gauge('hasp_proxy_body_bytes_held')).toBe(3 * (4 * mebibyte - 1))
    expect(await call(a.agent.token)).toMatchObject({ status: 200 })
    // A call of its own that fits is served; the next large one does not fit into 16 MiB beside a fourth.
    begin('/openai/v1/chat/completions', { ...headers, 'content-length': length }).write(
      Buffer.alloc(4 * mebibyte - 1, ' '),
    )
    await expect.poll(() => gauge('hasp_proxy_body_bytes_held')).toBe(4 * (4 * mebibyte - 1))
    expect(await call(a.agent.token)).toMatchObject({ status: 429, code: 'organisation_busy' })
    expect(await call(b.agent.token)).toMatchObject({ status: 200 })
    await release()
    expect(await call(a.agent.token)).toMatchObject({ status: 200 })
  })
})
