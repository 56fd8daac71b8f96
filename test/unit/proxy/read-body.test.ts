import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { OrganisationShare } from '#proxy/organisation-shares.ts'
import { BodyBudget } from '#proxy/read-body.ts'
import { checkRequestHead } from '#proxy/request-head.ts'

describe('reading the body of a proxied request', () => {
  let server: Server
  let arrived: PromiseWithResolvers<IncomingMessage>
  const sockets: Socket[] = []
  beforeAll(async () => {
    server = createServer((request) => arrived.resolve(request)).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  beforeEach(() => {
    arrived = Promise.withResolvers()
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  /** A real request whose body is written by hand. */
  const begin = async (head: string, body = '') => {
    const address = server.address()
    const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    arrived = Promise.withResolvers()
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n${body}`)
    return { socket, request: await arrived.promise }
  }
  /** Of an organisation that has all the room there is. */
  const share = () => new OrganisationShare(Infinity)
  const budget = (
    limits: Partial<{ bodyBytesMax: number; inFlightBytesMax: number; timeoutMs: number }> = {},
  ) => new BodyBudget({ bodyBytesMax: 100, inFlightBytesMax: 150, timeoutMs: 5_000, ...limits })

  it('takes no body for none, and the bytes as they came', async () => {
    const bodies = budget()
    const none = await begin('x: y')
    expect(await bodies.read(none.request, checkRequestHead(none.request.rawHeaders), share())).toMatchObject(
      { bytes: null },
    )
    const empty = await begin('content-length: 0')
    expect(
      await bodies.read(empty.request, checkRequestHead(empty.request.rawHeaders), share()),
    ).toMatchObject({ bytes: null })
    const whole = await begin('content-length: 4', '\u0000{}\u0001')
    expect(
      (
        await bodies.read(whole.request, checkRequestHead(whole.request.rawHeaders), share())
      ).bytes?.toString(),
    ).toBe('\u0000{}\u0001')
    const chunked = await begin('transfer-encoding: chunked', '2\r\nab\r\n1\r\nc\r\n0\r\n\r\n')
    expect(
      (
        await bodies.read(chunked.request, checkRequestHead(chunked.request.rawHeaders), share())
      ).bytes?.toString(),
    ).toBe('abc')
  })

  it('counts bytes from when they arrive until they are given back', async () => {
    const bodies = budget()
    const { socket, request } = await begin('content-length: 90')
    const reading = bodies.read(request, checkRequestHead(request.rawHeaders), share())
    expect(bodies.heldBytes).toBe(0)
    socket.write('x'.repeat(40))
    await expect.poll(() => bodies.heldBytes).toBe(40)
    socket.write('x'.repeat(50))
    {
      using body = await reading
      expect([body.bytes?.length, bodies.heldBytes]).toEqual([90, 90])
    }
    expect(bodies.heldBytes).toBe(0)
  })

  it('refuses a body that is too large, when it is announced or when it comes', async () => {
    const bodies = budget()
    const announced = await begin('content-length: 101')
    await expect(async () =>
      bodies.read(announced.request, checkRequestHead(announced.request.rawHeaders), share()),
    ).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining('(100 bytes)'),
    })
    const chunked = await begin('transfer-encoding: chunked', `65\r\n${'x'.repeat(101)}\r\n0\r\n\r\n`)
    await expect(
      bodies.read(chunked.request, checkRequestHead(chunked.request.rawHeaders), share()),
    ).rejects.toMatchObject({
      code: 'body_too_large',
    })
    expect(bodies.heldBytes).toBe(0)
  })

  it('refuses what does not fit beside the others, and gives back what had come', async () => {
    const bodies = budget()
    const first = await begin('content-length: 80', 'x'.repeat(80))
    const held = await bodies.read(first.request, checkRequestHead(first.request.rawHeaders), share())
    const second = await begin('content-length: 80')
    await expect(async () =>
      bodies.read(second.request, checkRequestHead(second.request.rawHeaders), share()),
    ).rejects.toMatchObject({
      code: 'too_many_bodies',
    })
    const third = await begin('transfer-encoding: chunked', `3c\r\n${'x'.repeat(60)}\r\n`)
    const reading = Promise.resolve(
      bodies.read(third.request, checkRequestHead(third.request.rawHeaders), share()),
    ).catch((error: unknown) => error)
    await expect.poll(() => bodies.heldBytes).toBe(140)
    third.socket.write(`14\r\n${'x'.repeat(20)}\r\n`)
    expect(await reading).toMatchObject({ code: 'too_many_bodies' })
    expect(bodies.heldBytes).toBe(80)
    held[Symbol.dispose]()
    expect(bodies.heldBytes).toBe(0)
  })

  it('counts against the share of its organisation, which is refused beyond it while others have room', async () => {
    const bodies = budget()
    const greedy = new OrganisationShare(90)
    const first = await begin('content-length: 80', 'x'.repeat(80))
    const held = await bodies.read(first.request, checkRequestHead(first.request.rawHeaders), greedy)
    expect(greedy.bodyBytes).toBe(80)
    const announced = await begin('content-length: 20')
    await expect(async () =>
      bodies.read(announced.request, checkRequestHead(announced.request.rawHeaders), greedy),
    ).rejects.toMatchObject({
      code: 'organisation_busy',
    })
    const chunked = await begin('transfer-encoding: chunked', `14\r\n${'x'.repeat(20)}\r\n`)
    await expect(
      bodies.read(chunked.request, checkRequestHead(chunked.request.rawHeaders), greedy),
    ).rejects.toMatchObject({
      code: 'organisation_busy',
    })
    expect([greedy.bodyBytes, bodies.heldBytes]).toEqual([80, 80])
    const other = await begin('content-length: 60', 'x'.repeat(60))
    expect(
      (await bodies.read(other.request, checkRequestHead(other.request.rawHeaders), share())).bytes,
    ).toHaveLength(60)
    held[Symbol.dispose]()
    expect([greedy.bodyBytes, bodies.heldBytes]).toEqual([0, 60])
  })

  it('is not held up by announcements', async () => {
    const bodies = budget()
    const waiting: { socket: Socket; reading: ReturnType<BodyBudget['read']> }[] = []
    for (let i = 0; i < 3; i += 1) {
      const { socket, request } = await begin('content-length: 100')
      waiting.push({ socket, reading: bodies.read(request, checkRequestHead(request.rawHeaders), share()) })
    }
    const next = await begin('content-length: 100', 'x'.repeat(100))
    expect(
      (await bodies.read(next.request, checkRequestHead(next.request.rawHeaders), share())).bytes,
    ).toHaveLength(100)
    for (const { socket, reading } of waiting) {
      socket.destroy()
      await expect(reading).rejects.toMatchObject({ code: 'body_malformed' })
    }
  })

  it('gives up on a body that does not come, or that breaks off', async () => {
    const bodies = budget({ timeoutMs: 50 })
    const slow = await begin('content-length: 10', 'x')
    await expect(
      bodies.read(slow.request, checkRequestHead(slow.request.rawHeaders), share()),
    ).rejects.toMatchObject({ code: 'body_timeout' })
    const broken = await begin('content-length: 10', 'x')
    const reading = bodies.read(broken.request, checkRequestHead(broken.request.rawHeaders), share())
    broken.socket.destroy()
    await expect(reading).rejects.toMatchObject({ code: 'body_malformed' })
    expect(bodies.heldBytes).toBe(0)
  })
})
