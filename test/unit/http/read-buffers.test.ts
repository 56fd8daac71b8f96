import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReadBuffers } from '#http/read-buffers.ts'

const wholeBuffer = 65_536
const answerHead = /^HTTP\/1\.1 20[^]*?\r\n\r\n/

describe('the buffers into which Node reads all connections', () => {
  /** What was read from connections, and what the parser made of requests read into its own buffer. */
  let reads: Buffer[]
  let bodies: Buffer[]
  let sockets: Set<Socket>
  let buffers: ReadBuffers
  beforeEach(() => {
    reads = []
    bodies = []
    sockets = new Set()
    buffers = new ReadBuffers()
    // oxlint-disable-next-line typescript/unbound-method -- called on its stream below
    const push = Socket.prototype.push
    vi.spyOn(Socket.prototype, 'push').mockImplementation(function (this: Socket, chunk, encoding) {
      sockets.add(this)
      if (Buffer.isBuffer(chunk)) reads.push(Buffer.from(chunk))
      return push.call(this, chunk, encoding)
    })
    vi.spyOn(IncomingMessage.prototype, 'push').mockImplementation(function (
      this: IncomingMessage,
      chunk,
      encoding,
    ) {
      if (Buffer.isBuffer(chunk)) bodies.push(Buffer.from(chunk))
      return push.call(this, chunk, encoding)
    })
  })
  afterEach(() => {
    buffers[Symbol.dispose]()
    vi.restoreAllMocks()
  })

  const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0)
  const longest = (pieces: readonly Buffer[]) => Math.max(...pieces.map((piece) => piece.length))

  it('are filled to their ends, with zeros, every time', async () => {
    for (let time = 0; time < 3; time += 1) {
      reads = []
      bodies = []
      buffers.overwrite()
      await buffers.settled()
      expect(longest(reads)).toBe(wholeBuffer)
      const [first = Buffer.alloc(0), ...further] = reads
      const head = answerHead.exec(first.toString('latin1'))?.[0] ?? ''
      expect(head).not.toBe('')
      expect([first.subarray(head.length), ...further].every(isZero)).toBe(true)
      // A piece of a body as long as the parser's buffer came in one read, which filled it.
      expect(longest(bodies)).toBe(wholeBuffer)
      expect(bodies.every(isZero)).toBe(true)
    }
  })

  it('are filled once more for what came while they were being filled, however often it is asked', async () => {
    for (let time = 0; time < 50; time += 1) buffers.overwrite()
    await buffers.settled()
    const bytes = reads.reduce((sum, read) => sum + read.length, 0)
    expect(bytes).toBeLessThanOrEqual(5 * wholeBuffer)
  })

  it('are filled over a new connection where the one before broke', async () => {
    buffers.overwrite()
    await buffers.settled()
    for (const socket of sockets) socket.destroy()
    await vi.waitUntil(() => [...sockets].every((socket) => socket.closed))
    reads = []
    buffers.overwrite()
    await buffers.settled()
    expect([longest(reads), longest(bodies)]).toEqual([wholeBuffer, wholeBuffer])
  })

  it('are left alone once the server has closed', async () => {
    buffers.overwrite()
    await buffers.settled()
    buffers[Symbol.dispose]()
    reads = []
    buffers.overwrite()
    await buffers.settled()
    expect(reads).toEqual([])
  })
})
