import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReadBuffer } from '#http/read-buffer.ts'

const wholeBuffer = 65_536

describe('the buffer into which Node reads all connections', () => {
  let reads: Buffer[]
  let sockets: Set<Socket>
  let buffer: ReadBuffer
  beforeEach(() => {
    reads = []
    sockets = new Set()
    buffer = new ReadBuffer()
    // oxlint-disable-next-line typescript/unbound-method -- called on its socket below
    const push = Socket.prototype.push
    vi.spyOn(Socket.prototype, 'push').mockImplementation(function (this: Socket, chunk, encoding) {
      sockets.add(this)
      if (Buffer.isBuffer(chunk)) reads.push(Buffer.from(chunk))
      return push.call(this, chunk, encoding)
    })
  })
  afterEach(() => {
    buffer[Symbol.dispose]()
    vi.restoreAllMocks()
  })

  it('is filled to its end, with zeros, every time', async () => {
    for (let time = 0; time < 3; time += 1) {
      reads = []
      buffer.overwrite()
      await buffer.settled()
      expect(Math.max(...reads.map((read) => read.length))).toBe(wholeBuffer)
      expect(reads.every((read) => read.every((byte) => byte === 0))).toBe(true)
    }
  })

  it('is filled once more for what came while it was being filled, however often it is asked', async () => {
    for (let time = 0; time < 50; time += 1) buffer.overwrite()
    await buffer.settled()
    const bytes = reads.reduce((sum, read) => sum + read.length, 0)
    expect(bytes).toBeLessThanOrEqual(4 * wholeBuffer)
  })

  it('is filled over a new connection where the one before broke', async () => {
    buffer.overwrite()
    await buffer.settled()
    for (const socket of sockets) socket.destroy()
    await vi.waitUntil(() => [...sockets].every((socket) => socket.closed))
    reads = []
    buffer.overwrite()
    await buffer.settled()
    expect(Math.max(...reads.map((read) => read.length))).toBe(wholeBuffer)
  })

  it('is left alone once the server has closed', async () => {
    buffer.overwrite()
    await buffer.settled()
    buffer[Symbol.dispose]()
    reads = []
    buffer.overwrite()
    await buffer.settled()
    expect(reads).toEqual([])
  })
})
