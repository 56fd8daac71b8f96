import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createSelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { RecordingSink } from './recording-sink.ts'
import {
  credentialOf,
  echoHashes,
  exchange,
  requestTo,
  seenOf,
  serve,
  serveTcp,
  sha256,
  watchedAllocator,
} from './upstream-fixture.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** A server that reads one head and then does as it is told. */
function answering(act: (socket: Socket) => void) {
  return serveTcp((socket) => socket.once('data', () => act(socket)))
}

/** Runs one request and tells how it failed. */
async function failureOf(origin: string, changes: Parameters<typeof requestTo>[1] = {}) {
  const watched = watchedAllocator()
  await using transport = new UpstreamTransport({ allowedOrigins: [origin], connectTimeoutMs: 200 }, watched)
  const failure: unknown = await exchange(transport, requestTo(origin, changes)).catch(
    (error: unknown) => error,
  )
  expect(watched.isAllWiped()).toBe(true)
  expect(transport.unsentCount).toBe(0)
  return failure
}

describe('an exchange fails with', () => {
  it('connect-failed when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    server.close()
    await once(server, 'close')
    expect(await failureOf(`http://127.0.0.1:${port}`)).toMatchObject({
      code: 'connect-failed',
      systemCode: 'ECONNREFUSED',
      isCredentialSent: false,
    })
  })

  it('connect-failed when the name is unknown', async () => {
    expect(await failureOf('https://nonesuch.invalid')).toMatchObject({
      code: 'connect-failed',
      isCredentialSent: false,
    })
  })

  it('connect-timeout when the TLS handshake is never answered', async () => {
    await using server = await serveTcp(() => undefined)
    const origin = server.origin.replace('http:', 'https:')
    expect(await failureOf(origin)).toMatchObject({ code: 'connect-timeout', isCredentialSent: false })
  })

  it('tls-failed when the certificate is not trusted', async () => {
    await using server = await serve(echoHashes, createSelfSignedCertificate())
    expect(await failureOf(server.origin)).toMatchObject({
      code: 'tls-failed',
      systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      isCredentialSent: false,
    })
  })

  it('tls-failed when the certificate is for another name', async () => {
    const tls = createSelfSignedCertificate()
    await using server = await serve(echoHashes, tls)
    const origin = server.origin.replace('127.0.0.1', 'other.example')
    await using transport = new UpstreamTransport(
      { allowedOrigins: [origin], ca: tls.cert },
      { resolveAll: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]) },
    )
    await expect(exchange(transport, requestTo(origin))).rejects.toMatchObject({
      code: 'tls-failed',
      systemCode: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  it('headers-timeout when no answer comes', async () => {
    await using server = await answering(() => undefined)
    expect(await failureOf(server.origin, { headersTimeoutMs: 100 })).toMatchObject({
      code: 'headers-timeout',
      isCredentialSent: true,
    })
  })

  it('body-timeout when the answer stops', async () => {
    await using server = await answering((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab'),
    )
    expect(await failureOf(server.origin, { bodyTimeoutMs: 100 })).toMatchObject({
      code: 'body-timeout',
      isCredentialSent: true,
    })
  })

  it.each([
    ['before an answer', ''],
    ['within the status line', 'HTTP/1.1 20'],
    ['within the headers', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['within the body', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab'],
    ['within a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nab'],
  ])('reset when the provider hangs up %s', async (_name, text) => {
    await using server = await answering((socket) => socket.end(text))
    expect(await failureOf(server.origin)).toMatchObject({ code: 'reset', isCredentialSent: true })
    await using resetting = await answering((socket) => socket.write(text, () => socket.resetAndDestroy()))
    expect(await failureOf(resetting.origin)).toMatchObject({ code: 'reset', isCredentialSent: true })
  })

  it.each([
    ['is not HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['has an endless head', `HTTP/1.1 200 OK\r\nx-big: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['has two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['switches protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['asks to continue, unasked', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('protocol-error when the answer %s', async (_name, text) => {
    await using server = await answering((socket) => socket.write(text))
    expect(await failureOf(server.origin)).toMatchObject({ code: 'protocol-error', isCredentialSent: true })
  })

  it.each([
    ['method', { method: 'GET / HTTP/1.1\r\nx: ' }],
    ['path', { path: '/ HTTP/1.1\r\nx: y' }],
    ['header name', { headers: ['x y', 'z'] }],
    ['header value', { headers: ['x-client', 'a\r\nauthorization: Bearer mine'] }],
    ['framing', { headers: ['transfer-encoding', 'chunked'] }],
    ['length', { headers: ['content-length', '1'] }],
  ])('protocol-error, unsent, when the %s could smuggle', async (_name, changes) => {
    let connections = 0
    await using server = await serve((_request, response) => {
      connections += 1
      response.end()
    })
    expect(await failureOf(server.origin, changes)).toMatchObject({
      code: 'protocol-error',
      isCredentialSent: false,
    })
    expect(connections).toBe(0)
  })
})

describe('an error', () => {
  it('says nothing of the request: no header, no credential, no cause', async () => {
    await using server = await answering((socket) => socket.resetAndDestroy())
    const failure = await failureOf(server.origin, {
      headers: ['x-private', 'of-the-client'],
      credential: credentialOf('sk-secret'),
    })
    expect(failure).not.toHaveProperty('cause')
    expect(`${JSON.stringify(failure)} ${String(failure)}`).not.toMatch(
      /of-the-client|sk-secret|127\.0\.0\.1/,
    )
  })

  it('comes once, in a later turn than send', async () => {
    await using transport = new UpstreamTransport()
    for (const request of [
      requestTo('http://refused.example'),
      requestTo('https://1.1.1.1', { path: 'no slash' }),
    ]) {
      const sink = new RecordingSink()
      transport.send(request, sink)
      expect(sink.events).toEqual([])
      await expect(sink.done).rejects.toMatchObject({ name: 'UpstreamError' })
      expect(sink.events).toEqual(['error'])
    }
  })
})

describe('an idle connection that the provider closes', () => {
  it('costs the next request nothing', async () => {
    await using server = await serve(echoHashes)
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin], connectionsMax: 1 })
    for (const secret of ['sk-1', 'sk-2', 'sk-3']) {
      const seen = await seenOf(transport, requestTo(server.origin, { credential: credentialOf(secret) }))
      expect(seen.credential).toBe(sha256(secret))
      for (const socket of server.sockets) socket.end()
    }
  })

  it('right after it was accepted fails that request with reset, and it is not sent again', async () => {
    let heads = 0
    let accepted = 0
    await using server = await serveTcp((socket) => {
      accepted += 1
      if (accepted === 1) socket.destroy()
      socket.on('data', () => {
        heads += 1
        socket.write(OK)
      })
    })
    const watched = watchedAllocator()
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] }, watched)
    await expect(exchange(transport, requestTo(server.origin))).rejects.toMatchObject({ code: 'reset' })
    expect(heads).toBe(0)
    expect((await exchange(transport, requestTo(server.origin))).body.toString()).toBe('ok')
    expect(heads).toBe(1)
    expect(watched.isAllWiped()).toBe(true)
  })
})

describe('the provider’s interim replies', () => {
  it('are passed over; the final one is delivered, its trailers are not', async () => {
    await using server = await answering((socket) =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n' +
          'HTTP/1.1 200 OK\r\nX-Mixed: Case\r\nx-mixed: again\r\ntransfer-encoding: chunked\r\n\r\n' +
          '2\r\nok\r\n0\r\nx-trailer: t\r\n\r\n',
      ),
    )
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    const reply = await exchange(transport, requestTo(server.origin))
    expect(reply.status).toBe(200)
    expect(reply.headers).toEqual({ 'x-mixed': ['Case', 'again'], 'transfer-encoding': 'chunked' })
    expect(reply.body.toString()).toBe('ok')
  })
})
