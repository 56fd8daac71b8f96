import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createSelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { RecordingSink } from './recording-sink.ts'
import { credentialOf, exchange, requestTo, serve, serveTcp, watchedAllocator } from './upstream-fixture.ts'

describe('an exchange that is aborted', () => {
  it('at once, before there is a connection, ends and sends nothing', async () => {
    const received: Buffer[] = []
    await using server = await serveTcp((socket) => socket.on('data', (chunk) => received.push(chunk)))
    const watched = watchedAllocator()
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] }, watched)
    const sink = new RecordingSink()
    const exchanged = transport.send(requestTo(server.origin), sink)
    exchanged.abort()
    exchanged.abort()
    await expect(sink.done).rejects.toMatchObject({ code: 'aborted', isCredentialSent: false })
    await delay(50)
    expect(sink.events).toEqual(['error'])
    expect(received).toEqual([])
    expect(watched.buffers).toEqual([])
    expect(transport.unsentCount).toBe(0)
  })

  it('while it waits for a connection, ends and is never sent', async () => {
    const urls: (string | undefined)[] = []
    await using server = await serve((request, response) => {
      urls.push(request.url)
      setTimeout(() => response.end('ok'), 50)
    })
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin], connectionsMax: 1 })
    const first = exchange(transport, requestTo(server.origin, { path: '/first' }))
    const sink = new RecordingSink()
    let isOpened = false
    const openInto = () => {
      isOpened = true
      return 0
    }
    const credential = { ...credentialOf('sk-aborted'), openInto }
    const waiting = transport.send(requestTo(server.origin, { path: '/aborted', credential }), sink)
    const third = exchange(transport, requestTo(server.origin, { path: '/third' }))
    await delay(20)
    waiting.abort()
    await expect(sink.done).rejects.toMatchObject({ code: 'aborted', isCredentialSent: false })
    expect((await first).status).toBe(200)
    expect((await third).status).toBe(200)
    expect(urls).toEqual(['/first', '/third'])
    expect(isOpened).toBe(false)
  })

  it('between connecting and writing, from within the opening, sends nothing more than it must', async () => {
    const received: Buffer[] = []
    await using server = await serveTcp((socket) => socket.on('data', (chunk) => received.push(chunk)))
    const watched = watchedAllocator()
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] }, watched)
    const sink = new RecordingSink()
    const credential = credentialOf('sk-x')
    const openInto = (out: Buffer, offset: number) => {
      exchanged.abort()
      return credential.openInto(out, offset)
    }
    const exchanged = transport.send(
      requestTo(server.origin, { credential: { ...credential, openInto } }),
      sink,
    )
    await expect(sink.done).rejects.toMatchObject({ code: 'aborted', isCredentialSent: false })
    await expect.poll(() => server.sockets.size).toBe(0)
    expect(received).toEqual([])
    expect(sink.events).toEqual(['error'])
    expect(watched.isAllWiped()).toBe(true)
  })

  it('in the very turn in which it was written, over TLS, leaves no plaintext behind', async () => {
    const tls = createSelfSignedCertificate()
    await using server = await serve(() => undefined, tls)
    const watched = watchedAllocator()
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin], ca: tls.cert }, watched)
    const sink = new RecordingSink()
    const credential = credentialOf('sk-x')
    const openInto = (out: Buffer, offset: number) => {
      process.nextTick(() => exchanged.abort())
      return credential.openInto(out, offset)
    }
    const exchanged = transport.send(
      requestTo(server.origin, { credential: { ...credential, openInto } }),
      sink,
    )
    await expect(sink.done).rejects.toMatchObject({ code: 'aborted', isCredentialSent: true })
    await expect.poll(() => server.sockets.size).toBe(0)
    expect(watched.buffers).toHaveLength(1)
    expect(watched.isAllWiped()).toBe(true)
  })

  it('within the answer closes the connection and gives nothing more to the sink', async () => {
    await using server = await serve((_request, response) => {
      response.write('first')
      const timer = setInterval(() => response.write('more'), 5)
      response.on('close', () => clearInterval(timer))
    })
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    const sink = new RecordingSink()
    const exchanged = transport.send(requestTo(server.origin), sink)
    await expect.poll(() => sink.chunks.length).toBeGreaterThan(0)
    exchanged.abort()
    await expect(sink.done).rejects.toMatchObject({ code: 'aborted', isCredentialSent: true })
    const events = sink.events.length
    await expect.poll(() => server.sockets.size).toBe(0)
    expect(sink.events).toHaveLength(events)
    exchanged.resume()
  })

  it('while 8 MiB of body are stuck behind a provider that does not read', async () => {
    await using server = await serveTcp((socket) => socket.pause())
    const watched = watchedAllocator()
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] }, watched)
    const sink = new RecordingSink()
    const exchanged = transport.send(requestTo(server.origin, { body: Buffer.alloc(8 * 1024 * 1024) }), sink)
    await expect.poll(() => exchanged.isCredentialSent).toBe(true)
    exchanged.abort()
    await expect(sink.done).rejects.toMatchObject({ code: 'aborted', isCredentialSent: true })
    expect(watched.isAllWiped()).toBe(true)
  })
})

describe('a transport that is disposed of', () => {
  it('aborts what is under way and refuses what comes after', async () => {
    await using server = await serveTcp((socket) => socket.resume())
    const transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    const sink = new RecordingSink()
    const exchanged = transport.send(requestTo(server.origin), sink)
    const underWay = sink.done.catch((error: unknown) => error)
    await expect.poll(() => exchanged.isCredentialSent).toBe(true)
    await transport[Symbol.asyncDispose]()
    expect(await underWay).toMatchObject({ code: 'aborted', isCredentialSent: true })
    await expect(exchange(transport, requestTo(server.origin))).rejects.toMatchObject({
      code: 'aborted',
      isCredentialSent: false,
    })
    await expect.poll(() => server.sockets.size).toBe(0)
  })
})
