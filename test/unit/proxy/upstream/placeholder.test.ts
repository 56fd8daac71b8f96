import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
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

let onHead: ((message: unknown) => void) | undefined
afterEach(() => {
  if (onHead !== undefined) unsubscribe('undici:client:sendHeaders', onHead)
  onHead = undefined
})

function watchHeads(): string[] {
  const heads: string[] = []
  onHead = (message) => {
    if (typeof message === 'object' && message !== null && 'headers' in message)
      heads.push(String(message.headers))
  }
  subscribe('undici:client:sendHeaders', onHead)
  return heads
}

const PLACEHOLDER = /authorization: Bearer ([0-9a-f]{50})\r\n/

describe('what undici itself sees', () => {
  it('is a placeholder, new for each request, and never the credential', async () => {
    const heads = watchHeads()
    await using server = await serve(echoHashes)
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    for (const secret of ['sk-visible-one', 'sk-visible-two']) {
      await exchange(transport, requestTo(server.origin, { credential: credentialOf(secret) }))
    }
    const placeholders = heads.map((head) => PLACEHOLDER.exec(head)?.[1])
    expect(new Set(placeholders).size).toBe(2)
    expect(placeholders).not.toContain(undefined)
    expect(heads.join('')).not.toContain('sk-visible')
  })
})

describe('a body that contains the placeholder', () => {
  it.each([100, 100_000])('passes untouched (%i bytes of padding)', async (padding) => {
    const heads = watchHeads()
    await using server = await serve(echoHashes)
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    const body = Buffer.alloc(50 + padding, '.')
    const credential = credentialOf('sk-real')
    // Only here, where the request is about to be written, can a test know its placeholder.
    const openInto = (out: Buffer, offset: number) => {
      body.write(PLACEHOLDER.exec(heads.at(-1) ?? '')?.[1] ?? '', 'latin1')
      return credential.openInto(out, offset)
    }
    const seen = await seenOf(
      transport,
      requestTo(server.origin, { body, credential: { ...credential, openInto } }),
    )
    expect(body.toString('latin1')).toMatch(/^[0-9a-f]{50}\./)
    expect(seen).toMatchObject({ credential: sha256('sk-real'), body: sha256(body) })
  })
})

describe('a head whose credential cannot be had', () => {
  const broken = {
    'its opening throws': () => {
      throw new Error('sk-in-an-error')
    },
    'it is empty': () => 0,
    'it is longer than announced': () => 1_000_000,
    'its length is no whole number': () => 1.5,
    'it holds a line break': (out: Buffer, offset: number) => out.write('sk\r\nx-evil: 1', offset, 'latin1'),
    'it holds a NUL': (out: Buffer, offset: number) => out.write('sk\0', offset, 'latin1'),
  }

  it.each(Object.entries(broken))('sends nothing when %s', async (_name, openInto) => {
    const received: Buffer[] = []
    await using server = await serveTcp((socket) => socket.on('data', (chunk) => received.push(chunk)))
    const watched = watchedAllocator()
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] }, watched)
    const credential = { ...credentialOf('sk-x'), openInto }
    const sent = exchange(transport, requestTo(server.origin, { credential }))
    const failure: unknown = await sent.catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'credential-unavailable', isCredentialSent: false })
    expect(inspect(failure, { showHidden: true, depth: 9 })).not.toContain('sk-in-an-error')
    await expect.poll(() => server.sockets.size).toBe(0)
    expect(received).toEqual([])
    expect(watched.buffers).toHaveLength(1)
    expect(watched.isAllWiped()).toBe(true)
    expect(transport.unsentCount).toBe(0)
  })

  it('leaves the service whole: the next request on the same origin is answered', async () => {
    await using server = await serve(echoHashes)
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin], connectionsMax: 1 })
    const refused = { ...credentialOf('sk-x'), openInto: broken['its opening throws'] }
    const [first, second] = await Promise.allSettled([
      exchange(transport, requestTo(server.origin, { credential: refused })),
      seenOf(transport, requestTo(server.origin, { credential: credentialOf('sk-fine') })),
    ])
    expect(first.status).toBe('rejected')
    expect(second).toMatchObject({ status: 'fulfilled', value: { credential: sha256('sk-fine') } })
  })
})
