import { createHash, hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { SelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'
import type { UpstreamCredential, UpstreamRequest } from '#proxy/upstream/upstream-request.ts'
import type { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { RecordingSink, type Reply } from './recording-sink.ts'

export type RunningServer = AsyncDisposable & { origin: string; sockets: Set<Socket> }

/** A real HTTP (or, with a certificate, HTTPS) server on a free port of 127.0.0.1. */
export async function serve(listener: RequestListener, tls?: SelfSignedCertificate): Promise<RunningServer> {
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer({ ...tls }, listener)
  server.keepAliveTimeout = 60_000
  return listen(server, tls === undefined ? 'http' : 'https')
}

/** A server that sees the bare bytes. */
export function serveTcp(onSocket: (socket: Socket) => void): Promise<RunningServer> {
  return listen(createTcpServer(onSocket), 'http')
}

async function listen(server: Server, scheme: string): Promise<RunningServer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    origin: `${scheme}://127.0.0.1:${address.port}`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Answers each request with what arrived: the hashes of credential and body. */
export const echoHashes: RequestListener = (request, response) => {
  const body = createHash('sha256')
  let bodyBytes = 0
  request.on('data', (chunk: Buffer) => {
    bodyBytes += chunk.byteLength
    body.update(chunk)
  })
  request.on('end', () => {
    const { authorization = '', 'x-api-key': apiKey } = request.headers
    const presented = typeof apiKey === 'string' ? apiKey : authorization.replace(/^Bearer /, '')
    const seen = { credential: sha256(presented), body: body.digest('hex'), bodyBytes, url: request.url }
    response.end(JSON.stringify(seen))
  })
}

export type Seen = { credential: string; body: string; bodyBytes: number; url: string }

export function sha256(bytes: string | Buffer): string {
  return hash('sha256', bytes, 'hex')
}

/** A credential that is opened from a masked copy, straight into the outgoing buffer. */
export function credentialOf(
  secret: string,
  headerName = 'authorization',
  prefix = 'Bearer ',
): UpstreamCredential {
  const sealed = Buffer.from(secret).map((byte) => byte ^ 0x5a)
  return {
    headerName,
    prefix,
    lengthMax: sealed.byteLength + 16,
    openInto(out, offset) {
      for (let index = 0; index < sealed.byteLength; index += 1)
        out[offset + index] = (sealed[index] ?? 0) ^ 0x5a
      return sealed.byteLength
    },
  }
}

export function requestTo(origin: string, changes: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    method: 'POST',
    path: '/v1/chat/completions',
    headers: ['content-type', 'application/json'],
    credential: credentialOf('sk-test-0123456789'),
    body: Buffer.from('{}'),
    headersTimeoutMs: 10_000,
    bodyTimeoutMs: 10_000,
    ...changes,
  }
}

export function exchange(transport: UpstreamTransport, request: UpstreamRequest): Promise<Reply> {
  const sink = new RecordingSink()
  transport.send(request, sink)
  return sink.done
}

/** What {@link echoHashes} saw of the request. */
export async function seenOf(transport: UpstreamTransport, request: UpstreamRequest): Promise<Seen> {
  const reply = await exchange(transport, request)
  const seen: unknown = JSON.parse(reply.body.toString())
  if (!isSeen(seen)) throw new Error('The reply is not from the echoing server.')
  return seen
}

function isSeen(value: unknown): value is Seen {
  return typeof value === 'object' && value !== null && 'credential' in value && 'bodyBytes' in value
}

/** An allocator that keeps every outgoing buffer, for a test to look whether it was wiped. */
export function watchedAllocator() {
  const buffers: Buffer[] = []
  const allocate = (length: number) => {
    const buffer = Buffer.alloc(Math.max(length, 128), 0xff)
    buffers.push(buffer)
    return buffer
  }
  const isAllWiped = () => buffers.every((buffer) => buffer.every((byte) => byte === 0))
  return { buffers, allocate, isAllWiped }
}
