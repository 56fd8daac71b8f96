import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ApiClient } from '#cli/api/client.ts'
import { readAll, readListing } from '#cli/api/pages.ts'

type Received = { method: string; url: string; idempotencyKey: string | undefined; body: string }
type Answer = (response: ServerResponse, index: number) => void

/** A server that answers what the test says, in its order. */
async function serving(answer: Answer) {
  const received: Received[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      received.push({ method, url, idempotencyKey: headers['idempotency-key']?.toString(), body })
      answer(response, received.length - 1)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    received,
    api: new ApiClient({ url: `http://127.0.0.1:${port}`, token: 'hasp_admin_x' }),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const problem = (code: string) => ({ code, title: 'T', detail: 'D', requestId: 'r' })

describe('a write whose connection breaks', () => {
  it('is sent once more, byte for byte, under the same Idempotency-Key', async () => {
    await using server = await serving((response, i) =>
      i === 0 ? response.socket?.destroy() : json(response, 201, { id: 'x' }),
    )
    const body = Buffer.from('{"name":"x"}')
    expect(await server.api.send('POST', '/keks', body)).toEqual({ id: 'x' })
    const [first, second] = server.received
    expect(server.received).toHaveLength(2)
    expect(second).toEqual(first)
    expect(first?.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is not sent a third time', async () => {
    await using server = await serving((response) => response.socket?.destroy())
    await expect(server.api.send('POST', '/keks', {})).rejects.toMatchObject({ code: 'unreachable' })
    expect(server.received).toHaveLength(2)
  })

  it('waits for the first attempt where that is still being carried out', async () => {
    await using server = await serving((response, i) => {
      if (i === 0) response.socket?.destroy()
      else if (i === 1) json(response, 409, problem('idempotency_in_progress'))
      else json(response, 201, { id: 'x' })
    })
    expect(await server.api.send('POST', '/keks', {})).toEqual({ id: 'x' })
    expect(new Set(server.received.map((one) => one.idempotencyKey)).size).toBe(1)
  })
})

describe('any write', () => {
  it('has a key of its own', async () => {
    await using server = await serving((response) => json(response, 200, {}))
    await server.api.send('POST', '/a')
    await server.api.send('POST', '/a')
    expect(new Set(server.received.map((one) => one.idempotencyKey)).size).toBe(2)
  })

  it('is not repeated when it was refused', async () => {
    await using server = await serving((response) => json(response, 409, problem('kek_name_taken')))
    await expect(server.api.send('POST', '/keks', {})).rejects.toMatchObject({
      code: 'kek_name_taken',
      status: 409,
      requestId: 'r',
      message: 'D',
    })
    expect(server.received).toHaveLength(1)
  })
})

describe('an answer that is not of the management API', () => {
  it.each([
    [200, '<html>'],
    [404, '{"error":"no"}'],
    [302, ''],
  ])('is called what it is (HTTP %i)', async (status, body) => {
    await using server = await serving((response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/', 'content-type': 'text/html' }).end(body)
    })
    await expect(server.api.get('/keks')).rejects.toMatchObject({
      code: 'not_hasp',
      hint: expect.stringContaining('HASP_URL'),
    })
    expect(server.received).toHaveLength(1)
  })
})

describe('reading a list', () => {
  const items = Array.from({ length: 250 }, (_, i) => i)
  const paged = () => {
    const asked: string[] = []
    const get = async (_: string, query: Record<string, string | number | undefined> = {}) => {
      asked.push(String(query['limit']))
      const start = Number(query['cursor'] ?? 0)
      const end = start + Number(query['limit'])
      return { items: items.slice(start, end), nextCursor: end < items.length ? String(end) : null }
    }
    // The narrowest part of the client, answering from memory.
    return { asked, api: { get: get as ApiClient['get'] } }
  }

  it('gives all of it, in pages that the API takes', async () => {
    const { api, asked } = paged()
    expect(await readAll(api, '/x')).toEqual(items)
    expect(asked).toEqual(['100', '100', '100'])
  })

  it('stops at the limit, and says where to go on', async () => {
    const { api, asked } = paged()
    const page = await readListing(api, '/x', { limit: 130, cursor: '10' })
    expect(page).toEqual({ items: items.slice(10, 140), nextCursor: '140' })
    expect(asked).toEqual(['100', '30'])
  })
})
