import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { wipeReceivedBytes, wipeUnreadBody } from '#http/wipe-received.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

/** A server, its address, and every Buffer that came off its sockets: the very ones, not copies. */
async function listen(listener: RequestListener) {
  const server = createServer(listener)
  servers.push(server)
  wipeReceivedBytes(server)
  const received: Buffer[] = []
  server.on('connection', (socket) => socket.on('data', (chunk: Buffer) => received.push(chunk)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no TCP address.')
  return { url: `http://127.0.0.1:${address.port}`, received }
}

const secret = 'sk-stands-deep-in-a-body-of-some-length'
const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0)

describe('what arrived on a connection', () => {
  it.each([100, 60_000, 1_000_000])(
    'is zeroed once parsed, and the body of %i bytes arrives whole',
    async (length) => {
      const body = 'b'.repeat(length) + secret
      const { url, received } = await listen(async (request, response) => {
        response.end(String((await text(request)) === body))
      })
      for (let request = 0; request < 3; request += 1) {
        const reply = await fetch(url, { method: 'POST', body })
        expect(await reply.text()).toBe('true')
      }
      expect(received.length).toBeGreaterThan(0)
      expect(received.every(isZero)).toBe(true)
    },
  )

  it('waits for a reader that is slow', async () => {
    const body = 'b'.repeat(4_000_000)
    const { url, received } = await listen(async (request, response) => {
      request.pause()
      setTimeout(() => request.resume(), 50)
      response.end(String((await text(request)).length))
    })
    const reply = await fetch(url, { method: 'POST', body })
    expect(await reply.text()).toBe('4000000')
    expect(received.every(isZero)).toBe(true)
  })
})

describe('a body that nobody reads', () => {
  it('is zeroed, and its connection serves the next request', async () => {
    const chunks: Buffer[] = []
    const { url } = await listen((request, response) => {
      wipeUnreadBody(request)
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.writeHead(401).end()
    })
    for (let request = 0; request < 2; request += 1) {
      expect((await fetch(url, { method: 'POST', body: secret.repeat(1000) })).status).toBe(401)
    }
    expect(Buffer.concat(chunks).length).toBe(secret.length * 2000)
    expect(chunks.every(isZero)).toBe(true)
  })
})
