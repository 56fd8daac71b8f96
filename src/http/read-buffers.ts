import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, Socket, type AddressInfo, type Server } from 'node:net'

/** What libuv reads at once, at most: the size of either buffer. */
const readBytesMax = 65_536
/** More than one read takes, so that one of them fills the buffer. */
const zeros = Buffer.alloc(2 * readBytesMax)
const requestHead = `POST / HTTP/1.1\r\nhost: self\r\ncontent-length: ${zeros.length}\r\n\r\n`
const request = Buffer.concat([Buffer.from(requestHead), zeros])
const headEnd = '\r\n\r\n'
/** A busy machine may deliver in smaller pieces than it was given. */
const exchangesMax = 3
/** For one exchange, its connection included. Loopback may be filtered, and a process out of descriptors accepts nobody. */
const timeoutMsDefault = 5_000
const loopback = '127.0.0.1'

/**
 * The two buffers into which Node reads all connections of the process: one for HTTP requests, from which its parser
 * copies what it hands on, and one for everything else. What was read stays in them until something longer arrives, on
 * whichever connection: a credential deep in a body would stand there for hours (bench/residue). Nothing in Node
 * reaches them, so a connection of this process to itself brings something longer: zeros, as a request and as its
 * answer.
 */
export class ReadBuffers implements Disposable {
  readonly #timeoutMs: number
  #near: Socket | undefined
  #overwriting: Promise<void> | undefined
  #isWanted = false
  #isClosed = false

  constructor({ timeoutMs = timeoutMsDefault }: { timeoutMs?: number } = {}) {
    this.#timeoutMs = timeoutMs
  }

  /** Zeroes both buffers, a fifth of a millisecond of work, in a later turn; many calls at once are one. */
  overwrite(): void {
    this.#isWanted = true
    this.#overwriting ??= this.#run().finally(() => {
      this.#overwriting = undefined
    })
  }

  /** When nothing that was read before stands in the buffers. */
  async settled(): Promise<void> {
    await this.#overwriting
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#forget()
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false
      let isFilled = false
      for (let count = 0; !isFilled && !this.#isClosed && count < exchangesMax; count += 1)
        isFilled = await this.#exchangeZeros()
    }
  }

  /** A connection that broke since is made anew; out of descriptors, most likely, the next body tries again. */
  async #exchangeZeros(): Promise<boolean> {
    const near = (this.#near ??= new Socket().unref().on('error', () => {}))
    const timer = setTimeout(() => near.destroy(), this.#timeoutMs).unref()
    try {
      if (near.pending) await connectToSelf(near)
      return await exchangeZeros(near)
    } catch {
      this.#forget()
      return false
    } finally {
      clearTimeout(timer)
    }
  }

  #forget(): void {
    this.#near?.destroy()
    this.#near = undefined
  }
}

/** @returns whether both buffers were filled to their ends. */
async function exchangeZeros(near: Socket): Promise<boolean> {
  if (near.destroyed) throw closed()
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  let head = ''
  let missing = zeros.length
  let isFilled = false
  const onData = (chunk: Buffer): void => {
    isFilled ||= chunk.length === readBytesMax
    missing -= chunk.length
    if (head === '') {
      // The head says whether the request filled its buffer as well.
      const end = chunk.indexOf(headEnd)
      if (end === -1) return reject(new Error('The head of the answer came in pieces.'))
      head = chunk.toString('latin1', 0, end + headEnd.length)
      missing += head.length
    }
    if (missing === 0) resolve(isFilled && head.startsWith('HTTP/1.1 200 '))
  }
  const onClose = () => reject(closed())
  near.on('data', onData).once('close', onClose)
  near.write(request)
  try {
    return await promise
  } finally {
    near.off('data', onData).off('close', onClose)
  }
}

/** Answers with as many zeros as it was sent: 200 where one read filled the buffer of the parser, else 202. */
function answer(incoming: IncomingMessage, response: ServerResponse): void {
  let isFilled = false
  incoming.on('data', (chunk: Buffer) => {
    isFilled ||= chunk.length === readBytesMax
  })
  incoming.on('end', () => {
    response.sendDate = false
    response.writeHead(isFilled ? 200 : 202, ['content-length', String(zeros.length)])
    response.end(zeros)
  })
}

function closed(): Error {
  return new Error('The connection of this process to itself is closed.')
}

/**
 * Connects `near` over loopback to an HTTP server of this process that listens nowhere. Nobody else takes part, and
 * neither end keeps the process running.
 */
async function connectToSelf(near: Socket): Promise<void> {
  const http = createHttpServer({ keepAliveTimeout: 0 }, answer)
  const server = createServer().unref()
  try {
    server.listen(0, loopback)
    await once(server, 'listening')
    if (near.destroyed) throw closed()
    // A server that listens on a port has one.
    const { port } = server.address() as AddressInfo
    near.connect(port, loopback)
    const far = await accept(server, near)
    http.emit(
      'connection',
      far.unref().on('error', () => {}),
    )
  } finally {
    server.close()
  }
}

/** The other end of `near`; whoever else comes to the port is turned away. */
function accept(server: Server, near: Socket): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  server.on('error', reject).on('connection', (socket) => {
    if (socket.remotePort === near.localPort && socket.remoteAddress === near.localAddress) resolve(socket)
    else socket.destroy()
  })
  near.once('close', () => reject(closed()))
  return promise
}
