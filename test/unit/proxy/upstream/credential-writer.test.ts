import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import { describe, expect, it } from 'vitest'
import { CredentialSlots, type CredentialSlot } from '#proxy/upstream/credential-slots.ts'
import { guardSocket } from '#proxy/upstream/credential-writer.ts'
import { allocateOutgoing } from '#proxy/upstream/outgoing-bytes.ts'
import { echoHashes, serve, serveTcp } from './upstream-fixture.ts'

function slotOf(secret: string): CredentialSlot {
  return {
    lengthMax: 64,
    openInto: (out, offset) => out.write(secret, offset, 'latin1'),
    markCredentialSent: () => undefined,
    markBodyHanded: () => undefined,
    markBodyLeft: () => undefined,
  }
}

async function guardedPair() {
  const received: Buffer[] = []
  const server = await serveTcp((socket) => socket.on('data', (chunk) => received.push(chunk)))
  const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const slots = new CredentialSlots()
  guardSocket(socket, { slots, allocate: allocateOutgoing })
  return { server, socket, slots, wire: () => Buffer.concat(received).toString('latin1') }
}

function headWith(...placeholders: string[]): string {
  return `POST / HTTP/1.1\r\n${placeholders.map((entry) => `authorization: ${entry}\r\n`).join('')}\r\n`
}

describe('a guarded socket', () => {
  it('writes a placeholder’s credential once and never again', async () => {
    const { server, socket, slots, wire } = await guardedPair()
    await using _server = server
    const head = headWith(slots.bind(slotOf('sk-once')))
    socket.write(head, 'latin1')
    await expect.poll(wire).toContain('authorization: sk-once\r\n\r\n')
    const before = wire()
    expect(() => socket.write(head, 'latin1')).toThrowError(/could not be opened/)
    expect(() => socket.write(headWith(slots.bind(slotOf('sk-other'))), 'latin1')).toThrowError(
      /could not be opened/,
    )
    socket.end()
    await once(socket, 'close')
    expect(wire()).toBe(before)
  })

  const refusals: Record<string, (slots: CredentialSlots, write: (chunk: string | Buffer) => void) => void> =
    {
      'a head whose placeholder was released': (slots, write) => {
        const placeholder = slots.bind(slotOf('sk-gone'))
        slots.release(placeholder)
        write(headWith(placeholder))
      },
      'a head with two placeholders': (slots, write) =>
        write(headWith(slots.bind(slotOf('sk-a')), slots.bind(slotOf('sk-b')))),
      'a head without any': (_slots, write) => write(headWith('Bearer nothing')),
      'a body without a head': (_slots, write) => write(Buffer.from('stray')),
    }

  it.each(Object.entries(refusals))('refuses %s, and sends nothing of it', async (_name, attempt) => {
    const { server, socket, slots, wire } = await guardedPair()
    await using _server = server
    expect(() => attempt(slots, (chunk) => socket.write(chunk))).toThrowError(/could not be opened/)
    socket.end()
    await once(socket, 'close')
    expect(wire()).toBe('')
  })
})

/**
 * What the writer builds on: pinned here, so that an undici that writes in another way fails this test before
 * it fails in production (closed: nothing is sent).
 */
describe('undici’s HTTP/1.1 client', () => {
  type Write = { type: 'string' | 'buffer'; text: string; corked: number; callback: boolean }

  async function writesOf(options: Partial<Dispatcher.RequestOptions>): Promise<Write[]> {
    await using server = await serve(echoHashes)
    const writes: Write[] = []
    const client = new Client(server.origin, {
      connect: (target, callback) => {
        const socket: Socket = connect(Number(target.port), target.hostname)
        const write = socket.write.bind(socket)
        socket.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
          writes.push({
            type: typeof chunk === 'string' ? 'string' : 'buffer',
            text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'),
            corked: socket.writableCorked,
            callback: rest.some((entry) => typeof entry === 'function'),
          })
          return write(chunk)
        }
        socket.once('connect', () => callback(null, socket))
      },
    })
    const answer = await client.request({ path: '/', method: 'POST', headers: { 'x-mark': 'm' }, ...options })
    await answer.body.dump()
    await client.close()
    return writes
  }

  const isWholeHead = /^[A-Z]+ \/ HTTP\/1\.1\r\n(.+\r\n)*x-mark: m\r\n(.+\r\n)*\r\n$/

  it('writes a head without a body as one uncorked string', async () => {
    const writes = await writesOf({ method: 'GET' })
    expect(writes).toHaveLength(1)
    expect(writes[0]).toMatchObject({ type: 'string', corked: 0, callback: false })
    expect(writes[0]?.text).toMatch(isWholeHead)
  })

  it.each([1, 1_000_000])(
    'writes a head as one string and its body of %i bytes as one Buffer, corked together',
    async (length) => {
      const writes = await writesOf({ body: Buffer.alloc(length, 'b') })
      expect(writes.map(({ type, corked, callback }) => ({ type, corked, callback }))).toEqual([
        { type: 'string', corked: 1, callback: false },
        { type: 'buffer', corked: 1, callback: false },
      ])
      expect(writes[0]?.text).toMatch(isWholeHead)
      expect(writes[1]?.text).toHaveLength(length)
    },
  )
})
