import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What libuv reads at once, at most: the size of the buffer. */
const readBytesMax = 65_536
/** More than one read takes, so that one of them fills the buffer. */
const zeros = Buffer.alloc(2 * readBytesMax)

/**
 * The one buffer into which Node reads all connections of the process. Listeners get copies of what arrived; the bytes
 * themselves stay in the buffer until something longer arrives, on whichever connection: a credential deep in a body
 * would stand there for hours (bench/residue). Nothing in Node reaches that buffer, so a connection of this process to
 * itself brings something longer: zeros.
 */
export class ReadBuffer implements Disposable {
  #pair: Promise<{ near: Socket; far: Socket }> | undefined
  #overwriting: Promise<void> | undefined
  #isWanted = false
  #isClosed = false

  /** Zeroes the buffer, a tenth of a millisecond of work, in a later turn; many calls at once are one. */
  overwrite(): void {
    this.#isWanted = true
    this.#overwriting ??= this.#run().finally(() => {
      this.#overwriting = undefined
    })
  }

  /** When nothing that was read before stands in the buffer. */
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
      // A connection that broke since is made anew; out of descriptors, most likely, the next body tries again.
      if (!(await this.#bringZeros())) await this.#bringZeros()
    }
  }

  async #bringZeros(): Promise<boolean> {
    try {
      await bringZeros(await (this.#pair ??= connectToSelf()))
      return true
    } catch {
      this.#forget()
      return false
    }
  }

  #forget(): void {
    const pair = this.#pair
    this.#pair = undefined
    if (pair !== undefined) void destroy(pair)
  }
}

async function destroy(pair: Promise<{ near: Socket; far: Socket }>): Promise<void> {
  const ends = await pair.catch(() => null)
  ends?.near.destroy()
  ends?.far.destroy()
}

async function bringZeros({ near, far }: { near: Socket; far: Socket }): Promise<void> {
  if (near.destroyed || far.destroyed) throw new Error('The connection of this process to itself is closed.')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let missing = zeros.length
  const onData = (chunk: Buffer) => {
    missing -= chunk.length
    if (missing === 0) resolve()
  }
  const onClose = () => reject(new Error('The connection of this process to itself has closed.'))
  far.on('data', onData).once('close', onClose)
  near.once('close', onClose)
  near.write(zeros)
  try {
    await promise
  } finally {
    far.off('data', onData).off('close', onClose)
    near.off('close', onClose)
  }
}

/** Two ends of one connection over loopback that nobody else takes part in, and that keeps no process running. */
async function connectToSelf(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer()
  try {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    // A server that listens on a port has one.
    const { port } = server.address() as AddressInfo
    const near = connect(port, '127.0.0.1')
    const accepted = accept(server, near)
    await once(near, 'connect')
    const far = await accepted
    for (const end of [near, far]) end.on('error', () => {}).unref()
    return { near, far: far.resume() }
  } finally {
    server.close()
  }
}

/** The other end of `near`; whoever else comes to the port is turned away. */
function accept(server: ReturnType<typeof createServer>, near: Socket): Promise<Socket> {
  const { promise, resolve } = Promise.withResolvers<Socket>()
  server.on('connection', (socket) => {
    if (socket.remotePort === near.localPort) resolve(socket)
    else socket.destroy()
  })
  return promise
}
