import { describe, expect, it } from 'vitest'
import { callProvider } from '#proxy/upstream/call-provider.ts'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { credentialOf, serve, serveTcp, type RunningServer } from './upstream-fixture.ts'

async function call(server: RunningServer, timeoutMs?: number) {
  await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
  const request = {
    baseUrl: `${server.origin}/base`,
    method: 'GET',
    path: '/v1/models',
    headers: [],
    credential: credentialOf('sk-test-0123456789'),
  }
  return await callProvider(transport, request, timeoutMs)
}

describe('asking a provider about a credential', () => {
  it('answers with the status and the body', async () => {
    await using server = await serve((request, response) => response.writeHead(401).end(request.url))
    expect(await call(server)).toEqual({ status: 401, bodyStart: '/base/v1/models' })
  })

  it('reads no more than 16 KiB of an endless answer, and hangs up', async () => {
    const hungUp = Promise.withResolvers<void>()
    await using server = await serve((_, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(64 * 1024, 'f')), 1)
      response.on('close', () => {
        clearInterval(timer)
        hungUp.resolve()
      })
    })
    const { status, bodyStart } = await call(server)
    expect([status, bodyStart]).toEqual([200, 'f'.repeat(16_384)])
    await hungUp.promise
  })

  it.each([
    ['its body', 'HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n'],
    ['its head', 'HTTP/1.1 200 OK\r\nx: '],
    ['nothing but silence', ''],
  ])('ends in time, however slowly the provider drips %s', async (_, start) => {
    const hungUp = Promise.withResolvers<void>()
    await using server = await serveTcp((socket) => {
      socket.resume().write(start)
      const timer = start === '' ? undefined : setInterval(() => socket.write('x'), 20)
      socket.on('close', () => {
        clearInterval(timer)
        hungUp.resolve()
      })
    })
    const startedAtMs = performance.now()
    await expect(call(server, 300)).rejects.toMatchObject({ name: 'UpstreamError', code: 'answer-timeout' })
    const tookMs = performance.now() - startedAtMs
    expect(tookMs).toBeGreaterThan(290)
    expect(tookMs).toBeLessThan(2_000)
    await hungUp.promise
  })
})
