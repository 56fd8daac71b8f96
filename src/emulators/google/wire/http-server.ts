import {
  createServer as createHttpServer,
  IncomingMessage,
  ServerResponse,
  type IncomingHttpHeaders,
} from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer, type Server, type Socket } from 'node:net'
import { listenOn } from '#emulators/common/listen.ts'

const BODY_BYTES_MAX = 256 * 1024
/** First byte of a TLS handshake record. */
const TLS_HANDSHAKE = 0x16

export type HttpRequest = Readonly<{
  verb: string
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
  callerIp: string
}>

export type HttpReply =
  | Readonly<{ type: 'answer'; httpStatus: number; body: string }>
  | Readonly<{ type: 'reset' | 'hang' }>

type Handlers = Readonly<{
  http: (request: HttpRequest) => Promise<HttpReply>
  grpc: (request: Http2ServerRequest, response: Http2ServerResponse) => Promise<void>
}>

export type Listening = Readonly<{ port: number; close: () => Promise<void> }>

/**
 * Listens on one port for plain HTTP (REST, tokens, control) and for TLS (REST and gRPC): the first byte of a
 * connection tells which it is.
 */
export async function listen(
  handlers: Handlers,
  { certificate, host, port }: { certificate: { cert: string; key: string }; host: string; port: number },
): Promise<Listening> {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void serveHttp(handlers, request, response)
  }
  const plain = createHttpServer(onRequest)
  const secure = createSecureServer({ ...certificate, allowHTTP1: true })
  // Node's types say that every request of a secure server is HTTP/2, which `allowHTTP1` makes untrue.
  const onSecureRequest = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    response.on('error', () => {})
    handlers.grpc(request, response).catch(() => request.stream.destroy())
  }
  secure.on('request', (request: object, response: object) => {
    if (request instanceof IncomingMessage && response instanceof ServerResponse) onRequest(request, response)
    else onSecureRequest(request as Http2ServerRequest, response as Http2ServerResponse)
  })
  secure.on('sessionError', () => {})
  secure.on('tlsClientError', () => {})
  const sockets = new Set<Socket>()
  const front = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.once('readable', () => {
      const first = socket.read(1) as Buffer | null
      if (first === null) {
        socket.destroy()
        return
      }
      socket.unshift(first)
      const server: Server = first[0] === TLS_HANDSHAKE ? secure : plain
      server.emit('connection', socket)
    })
  })
  const address = await listenOn(front, host, port)
  return { port: address.port, close: () => closeAll(front, sockets) }
}

/** Closes at once: calls that hang by a fault would otherwise hold the server open. */
async function closeAll(front: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  front.close(() => resolve(undefined))
  for (const socket of sockets) socket.destroy()
  await promise
}

async function serveHttp(
  handlers: Handlers,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const reply = await handlers.http({
      verb: message.method ?? '',
      path: message.url ?? '/',
      headers: message.headers,
      body: await readBody(message),
      callerIp: (message.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    })
    if (reply.type === 'reset') response.socket?.destroy()
    if (reply.type !== 'answer') return
    response.writeHead(reply.httpStatus, { 'content-type': 'application/json; charset=UTF-8' })
    response.end(reply.body)
  } catch {
    response.destroy()
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_BYTES_MAX) throw new Error('The body is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
