import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { wipeUnreadBody } from '#http/wipe-received.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function listen(listener: RequestListener) {
  const server = createServer(listener)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no TCP address.')
  return { url: `http://127.0.0.1:${address.port}` }
}

const secret = 'sk-stands-deep-in-a-body-of-some-length'
const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0)

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
