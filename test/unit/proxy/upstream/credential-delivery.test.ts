import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMockAnthropic } from '#emulators/llm/anthropic.ts'
import { startMockOpenai } from '#emulators/llm/openai.ts'
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
  type RunningServer,
} from './upstream-fixture.ts'

const tls = createSelfSignedCertificate()

describe.each(['http', 'https'])('a credential on its way to a provider over %s', (scheme) => {
  let server: RunningServer
  let transport: UpstreamTransport
  const watched = watchedAllocator()

  beforeAll(async () => {
    server = await serve(echoHashes, scheme === 'https' ? tls : undefined)
    transport = new UpstreamTransport({ allowedOrigins: [server.origin], ca: tls.cert }, watched)
  })
  afterAll(async () => {
    await transport[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  it.each([
    ['no body', null],
    ['an empty body', Buffer.alloc(0)],
    ['a small body', Buffer.from('{"model":"m"}')],
    ['the largest body that is merged', randomBytes(16 * 1024)],
    ['the smallest body that is not', randomBytes(16 * 1024 + 1)],
    ['8 MiB', randomBytes(8 * 1024 * 1024)],
  ])('arrives intact with %s, and its buffer is wiped', async (_name, body) => {
    const seen = await seenOf(
      transport,
      requestTo(server.origin, { body, credential: credentialOf('sk-one') }),
    )
    expect(seen).toMatchObject({
      credential: sha256('sk-one'),
      body: sha256(body ?? ''),
      bodyBytes: body?.byteLength ?? 0,
    })
    expect(watched.buffers.length).toBeGreaterThan(0)
    expect(watched.isAllWiped()).toBe(true)
  })

  it('arrives in another header, without a prefix, with a GET', async () => {
    const credential = credentialOf('sk-ant-two', 'x-api-key', '')
    const seen = await seenOf(transport, requestTo(server.origin, { method: 'GET', body: null, credential }))
    expect(seen.credential).toBe(sha256('sk-ant-two'))
  })

  it('is never mixed up with another: 500 at once, twice over the same connections', async () => {
    for (let round = 0; round < 2; round += 1) {
      const names = Array.from(
        { length: 500 },
        (_, index) => `sk-${round}-${index}-${'x'.repeat(index % 90)}`,
      )
      const seen = await Promise.all(
        names.map((name, index) =>
          seenOf(
            transport,
            requestTo(server.origin, {
              credential: credentialOf(name),
              path: `/${round}/${index}`,
              body: Buffer.alloc((index % 40) * 1024, name),
            }),
          ),
        ),
      )
      expect(seen.map(({ credential }) => credential)).toEqual(names.map(sha256))
      expect(seen.map(({ url }) => url)).toEqual(names.map((_, index) => `/${round}/${index}`))
    }
    expect(server.sockets.size).toBeLessThanOrEqual(505)
    expect(watched.isAllWiped()).toBe(true)
    expect(transport.unsentCount).toBe(0)
  })
})

describe('the connection', () => {
  it('is kept and used again with another credential', async () => {
    await using server = await serve(echoHashes)
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    for (const secret of ['sk-first', 'sk-second-longer', 'sk-3']) {
      const seen = await seenOf(transport, requestTo(server.origin, { credential: credentialOf(secret) }))
      expect(seen.credential).toBe(sha256(secret))
      expect(server.sockets.size).toBe(1)
      // undici offers a connection again one turn after its answer.
      await new Promise((resolve) => setImmediate(resolve))
    }
  })

  it('waits with the next credential until an earlier body, answered too soon, has left', async () => {
    const bodyBytes = 8 * 1024 * 1024
    const arrived: Buffer[] = []
    let isFirst = true
    await using server = await serveTcp((socket) => {
      // Answers the first head at once and only then, slowly, reads the body.
      socket.on('data', (chunk) => {
        arrived.push(chunk)
        if (isFirst) {
          isFirst = false
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
          socket.pause()
          setTimeout(() => socket.resume(), 100)
        } else if (chunk.includes('SECOND-END')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
      })
    })
    const watched = watchedAllocator()
    await using transport = new UpstreamTransport(
      { allowedOrigins: [server.origin], connectionsMax: 1 },
      watched,
    )
    const body = Buffer.alloc(bodyBytes, 'b')
    await exchange(transport, requestTo(server.origin, { body, credential: credentialOf('sk-early') }))
    let isOpened = false
    const late = credentialOf('sk-late')
    const second = exchange(
      transport,
      requestTo(server.origin, {
        body: Buffer.from('SECOND-END'),
        credential: {
          ...late,
          openInto: (out, offset) => {
            isOpened = true
            return late.openInto(out, offset)
          },
        },
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(isOpened).toBe(false)
    expect((await second).status).toBe(200)
    expect(server.sockets.size).toBe(1)
    const wire = Buffer.concat(arrived).toString('latin1')
    expect(wire.indexOf('sk-late')).toBeGreaterThan(bodyBytes)
    expect(wire.match(/authorization: Bearer sk-(early|late)\r\n/g)).toHaveLength(2)
    expect(watched.isAllWiped()).toBe(true)
  })
})

describe('a body that the provider has not read', () => {
  const replies = {
    'answered to the end': 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    'broken off': null,
  }
  it.each(Object.entries(replies))(
    'is held until it has left, though the exchange was %s',
    async (_, reply) => {
      await using server = await serveTcp((socket) => {
        socket.once('data', () => {
          socket.pause()
          if (reply !== null) socket.write(reply)
        })
      })
      await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
      const sink = new RecordingSink()
      const body = Buffer.alloc(24 * 1024 * 1024, 'b')
      const sent = transport.send(requestTo(server.origin, { body }), sink)
      await expect.poll(() => sent.isCredentialSent).toBe(true)
      let isHeld = true
      if (reply !== null) {
        await sink.done
        sent.whenBodyLeft(() => (isHeld = false))
        await new Promise((resolve) => setTimeout(resolve, 30))
        expect(isHeld).toBe(true)
        for (const socket of server.sockets) socket.resume()
      } else {
        sent.whenBodyLeft(() => (isHeld = false))
        expect(isHeld).toBe(true)
        sent.abort()
        await expect(sink.done).rejects.toMatchObject({ code: 'aborted' })
      }
      await expect.poll(() => isHeld).toBe(false)
    },
  )

  it('is not waited for where it was copied, or never handed over', async () => {
    await using server = await serve(echoHashes)
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    for (const origin of [server.origin, 'http://127.0.0.1:1']) {
      const sink = new RecordingSink()
      const sent = transport.send(requestTo(origin), sink)
      await sink.done.catch(() => {})
      let isHeld = true
      sent.whenBodyLeft(() => (isHeld = false))
      expect(isHeld).toBe(false)
    }
  })
})

describe('the mock providers', () => {
  it('accept the credential that the transport brings, plain and streaming', async () => {
    await using openai = await startMockOpenai({ acceptedCredentials: ['sk-openai'], tls })
    await using anthropic = await startMockAnthropic({
      acceptedCredentials: ['sk-anthropic'],
      chunkDelayMs: 1,
    })
    await using transport = new UpstreamTransport({
      allowedOrigins: [openai.origin, anthropic.origin],
      ca: tls.cert,
    })
    const messages = [{ role: 'user', content: 'hello' }]
    const plain = await exchange(
      transport,
      requestTo(openai.origin, {
        credential: credentialOf('sk-openai'),
        body: Buffer.from(JSON.stringify({ model: 'gpt-4o', messages })),
      }),
    )
    expect(plain.status).toBe(200)
    expect(plain.body.toString()).toContain('the padlock is yours.')
    const stream = await exchange(
      transport,
      requestTo(anthropic.origin, {
        path: '/v1/messages',
        headers: ['content-type', 'application/json', 'anthropic-version', '2023-06-01'],
        credential: credentialOf('sk-anthropic', 'x-api-key', ''),
        body: Buffer.from(JSON.stringify({ model: 'claude-x', max_tokens: 9, stream: true, messages })),
      }),
    )
    expect(stream.body.toString()).toContain('event: message_stop')
  })
})
