import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLendingHasp } from '../support/lending-hasp.ts'

const mebibyte = 1024 * 1024

describe('a body that is refused before it has arrived', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    running = await startLendingHasp({ env: { HASP_BODY_BYTES_MAX: String(mebibyte) } })
  })
  afterAll(() => running[Symbol.asyncDispose]())

  // More than the buffers of two sockets hold: the sender is in the middle of it when the answer comes.
  const content = 'x'.repeat(24 * mebibyte)
  const messages = [{ role: 'user' as const, content }]
  let sent = 0
  const counting = (url: string | URL | Request, init?: RequestInit) => {
    sent += 1
    return fetch(url, init)
  }

  it('is answered so that OpenAI’s SDK hears why, and sends it once', async () => {
    sent = 0
    const client = new OpenAI({
      baseURL: `${running.hasp.url}/openai/v1`,
      apiKey: running.lending.virtualKey,
      fetch: counting,
    })
    await expect(client.chat.completions.create({ model: 'gpt-5', messages })).rejects.toMatchObject({
      status: 413,
      code: 'body_too_large',
      message: expect.stringContaining('(1 MiB)'),
    })
    expect(sent).toBe(1)
  })

  it('is answered so that Anthropic’s SDK hears why, and sends it once', async () => {
    sent = 0
    const client = new Anthropic({
      baseURL: `${running.hasp.url}/anthropic`,
      apiKey: running.lending.virtualKey,
      fetch: counting,
    })
    const create = client.messages.create({ model: 'claude-opus-5', max_tokens: 5, messages })
    await expect(create).rejects.toMatchObject({ status: 413, errorCode: 'body_too_large' })
    expect(sent).toBe(1)
  })

  it('is answered to a caller without a virtual key, too', async () => {
    sent = 0
    const client = new OpenAI({
      baseURL: `${running.hasp.url}/openai/v1`,
      apiKey: 'sk-proj-0123456789abcdef',
      fetch: counting,
    })
    await expect(client.chat.completions.create({ model: 'gpt-5', messages })).rejects.toMatchObject({
      status: 401,
      code: 'virtual_key_not_ours',
    })
    expect(sent).toBe(1)
  })

  describe('and that never ends', () => {
    /** Also by a reset, which `once` would throw. */
    const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

    async function begin(): Promise<Socket> {
      const { port } = running.hasp.context.server.server.address() as AddressInfo
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      socket.write(
        `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: hasp\r\nauthorization: Bearer ${running.lending.virtualKey}\r\ncontent-length: ${1024 * mebibyte}\r\n\r\n`,
      )
      return socket
    }

    it('is taken in for some seconds at most', async () => {
      const socket = await begin()
      const startedMs = performance.now()
      const [answer] = await once(socket, 'data')
      expect(String(answer)).toMatch(/^HTTP\/1\.1 413 [^]*"code":"body_too_large"/)
      await closed(socket)
      expect(performance.now() - startedMs).toBeLessThan(8_000)
    }, 15_000)

    it('is taken in up to a bound, and cut', async () => {
      const socket = await begin()
      const block = randomBytes(mebibyte)
      const flood = () => {
        while (socket.bytesWritten < 256 * mebibyte && socket.write(block));
      }
      socket.on('drain', flood).resume()
      flood()
      await closed(socket)
      expect(socket.bytesWritten).toBeLessThan(128 * mebibyte)
    })
  })
})
