import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import type { MockProvider } from '#emulators/llm/mock-provider.ts'
import { createSelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'
import { waitUntil } from './data-dir.ts'

/** An OpenAI behind a gate: it takes connections, and nothing of what they say gets through while it is shut. */
export type GatedProvider = AsyncDisposable &
  Readonly<{
    origin: string
    /** Certificate authority of the provider. */
    ca: string
    provider: MockProvider
    /** Cuts what is connected, and holds back what comes from now on. */
    shut: () => void
    /** Resolves when this many connections wait at the gate. */
    reached: (connections: number) => Promise<void>
    open: () => void
  }>

/** Starts it shut. It speaks HTTPS, so that a caller without an answer to its handshake has no socket to write to. */
export async function startGatedProvider(acceptedCredentials: readonly string[]): Promise<GatedProvider> {
  await using stack = new AsyncDisposableStack()
  const tls = createSelfSignedCertificate()
  const provider = stack.use(await startMockOpenai({ acceptedCredentials, tls }))
  let isOpen = false
  let waiting: Socket[] = []
  const sockets = new Set<Socket>()
  const watch = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    return socket
  }
  const letThrough = (socket: Socket) => {
    const inner = watch(connect(Number(new URL(provider.origin).port), '127.0.0.1'))
    socket.pipe(inner).pipe(socket)
    socket.once('close', () => inner.destroy())
    inner.once('close', () => socket.destroy())
  }
  const server = createServer((socket) => {
    watch(socket)
    if (isOpen) letThrough(socket)
    else waiting.push(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  stack.defer(async () => {
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The gate has no TCP address.')
  const owned = stack.move()
  return {
    origin: `https://127.0.0.1:${address.port}`,
    ca: tls.cert,
    provider,
    shut() {
      isOpen = false
      waiting = []
      cut()
    },
    reached: (connections) => waitUntil(() => waiting.length === connections),
    open() {
      isOpen = true
      for (const socket of waiting) if (!socket.destroyed) letThrough(socket)
      waiting = []
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
