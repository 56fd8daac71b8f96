import { execFile } from 'node:child_process'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
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

  it('are given up where loopback delivers nothing, and filled once it does', async () => {
    buffers[Symbol.dispose]()
    buffers = new ReadBuffers({ timeoutMs: 200 })
    // oxlint-disable-next-line typescript/unbound-method -- it is the spy that is wanted
    const push = vi.mocked(Socket.prototype.push)
    const deliver = push.getMockImplementation() ?? (() => true)
    push.mockImplementation(() => true)
    buffers.overwrite()
    await buffers.settled()
    push.mockImplementation(deliver)
    const overwritten = async () => {
      buffers.overwrite()
      await buffers.settled()
      return [longest(reads), longest(bodies)]
    }
    await expect.poll(overwritten).toEqual([wholeBuffer, wholeBuffer])
  })

  it('are filled by nobody else who finds the port', async () => {
    // oxlint-disable-next-line typescript/unbound-method -- called on its socket below
    const connect = Socket.prototype.connect
    const stranger = new Socket().on('error', () => {})
    const heard: Buffer[] = []
    stranger.on('data', (chunk) => heard.push(chunk))
    vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...where: unknown[]) {
      if (stranger.pending && !stranger.connecting) Reflect.apply(connect, stranger, where)
      return Reflect.apply(connect, this, where)
    })
    buffers.overwrite()
    await buffers.settled()
    expect([longest(reads), longest(bodies)]).toEqual([wholeBuffer, wholeBuffer])
    await vi.waitUntil(() => stranger.closed)
    expect(heard).toEqual([])
  })
})

describe('a process that is out of descriptors', () => {
  const script = `
    import { closeSync, openSync } from 'node:fs'
    import { ReadBuffers } from '${new URL('../../../src/http/read-buffers.ts', import.meta.url).href}'
    const hold = setInterval(() => {}, 1000)
    for (const left of [0, 1, 2, 3]) {
      const buffers = new ReadBuffers()
      const taken = []
      try {
        for (;;) taken.push(openSync('/dev/null'))
      } catch {}
      for (const descriptor of taken.splice(0, left)) closeSync(descriptor)
      buffers.overwrite()
      await buffers.settled()
      for (const descriptor of taken) closeSync(descriptor)
      buffers.overwrite()
      await buffers.settled()
      console.log(left)
    }
    clearInterval(hold)
    console.log('ends')`

  it('stays up, goes on overwriting once it has some, and is kept from ending by nothing', async () => {
    const limited = ['-c', 'ulimit -n 64 && exec "$0" "$@"', process.execPath]
    const { stdout } = await promisify(execFile)(
      '/bin/sh',
      [...limited, '--input-type=module', '--eval', script],
      { timeout: 60_000 },
    )
    expect(stdout.trim().split('\n')).toEqual(['0', '1', '2', '3', 'ends'])
  })
})
