import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A provider that is played byte by byte: it calls `onSocket` for every connection, and reads nothing by itself. */
export async function startRawProvider(
  onSocket: (socket: Socket) => void,
): Promise<AsyncDisposable & Readonly<{ origin: string; sockets: ReadonlySet<Socket> }>> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The provider has no TCP address.')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
