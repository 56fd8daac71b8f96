import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openaiCredential, setUpLending, startSurroundings } from '../support/lending-hasp.ts'
import { startRawProvider } from '../support/raw-provider.ts'
import { startHasp, type RunningHasp } from '../support/running-hasp.ts'

const mebibyte = 1024 * 1024

/** More than the buffers of two sockets hold, so that most of it stays with Hasp until somebody reads. */
const body = JSON.stringify({ model: 'gpt-5', messages: [], pad: 'x'.repeat(24 * mebibyte) })

const wholeReply = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
const replyBegun =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\n: hi\n\r\n'

describe('a provider that answers early and never reads the request', () => {
  const stack = new AsyncDisposableStack()
  let hasp: RunningHasp
  let virtualKey: string
  let reply: string
  let last: Socket

  beforeAll(async () => {
    const surroundings = stack.use(await startSurroundings())
    const provider = stack.use(
      await startRawProvider((socket) => {
        last = socket
        socket.once('data', () => {
          socket.pause()
          socket.write(reply)
        })
      }),
    )
    const env = {
      ...surroundings.env,
      HASP_ALLOWED_UPSTREAMS: `${surroundings.env['HASP_ALLOWED_UPSTREAMS']},${provider.origin}`,
      HASP_BODY_BYTES_IN_FLIGHT_MAX: String(40 * mebibyte),
      HASP_ORGANISATION_SHARE: '100',
    }
    hasp = stack.use(await startHasp(env, { aws: surroundings.aws }))
    const { kekId } = await setUpLending(hasp, surroundings)
    const target = await hasp.api('POST', '/api-targets', {
      name: 'deaf',
      provider: 'openai',
      baseUrl: provider.origin,
      kekId,
      credential: openaiCredential,
      validate: false,
    })
    const issued = await hasp.api('POST', '/virtual-keys', { name: 'sender', targetIds: [target.body.id] })
    virtualKey = issued.body.token
  })
  afterAll(() => stack.disposeAsync())

  const send = () =>
    fetch(`${hasp.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${virtualKey}`, 'content-type': 'application/json' },
      body,
    })
  const heldBytes = async () => {
    const text = await (await fetch(`${hasp.url}/metrics`)).text()
    return Number(/^hasp_proxy_body_bytes_held (\S+)$/m.exec(text)?.[1])
  }

  it('holds no more than the budget, though it has answered to the end', async () => {
    reply = wholeReply
    const first = await send()
    expect([first.status, await first.text()]).toEqual([200, '{}'])
    await sleep(50)
    expect(await heldBytes()).toBe(body.length)
    const second = await send()
    expect([second.status, second.headers.get('x-hasp-error')]).toEqual([503, 'too_many_bodies'])
    last.destroy()
    await expect.poll(heldBytes).toBe(0)
  })

  it('gives the budget back as soon as it has read', async () => {
    reply = wholeReply
    await (await send()).text()
    expect(await heldBytes()).toBe(body.length)
    last.resume()
    await expect.poll(heldBytes).toBe(0)
    last.destroy()
  })

  it('holds no more than the budget while its answer runs', async () => {
    reply = replyBegun
    const first = await send()
    expect(first.status).toBe(200)
    await sleep(50)
    expect(await heldBytes()).toBe(body.length)
    expect((await send()).status).toBe(503)
    last.destroy()
    await expect(first.text()).rejects.toThrow('terminated')
    await expect.poll(heldBytes).toBe(0)
  })
})
