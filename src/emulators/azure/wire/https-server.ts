import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { listenOn } from '#emulators/common/listen.ts'
import type { AzureReply, AzureRequest } from './azure-reply.ts'
import type { EmulatorCertificate } from './certificate.ts'

const BODY_BYTES_MAX = 64 * 1024

export type HttpsHandlers = Readonly<{
  /** Serves `/_emulator/…`. */
  control: (path: string, request: AzureRequest) => Promise<{ httpStatus: number; body: unknown }>
  /** Serves everything else, by the host that was asked for. */
  azure: (request: AzureRequest) => Promise<AzureReply>
}>

/**
 * Listens for every host of Azure's and the control API on one address, over TLS. `disconnect` ends the connections
 * of one host.
 */
export async function listenHttps(
  handlers: HttpsHandlers,
  { privateKey, cert }: EmulatorCertificate,
  host: string,
  port: number,
): Promise<{ server: Server; port: number; url: string; disconnect: (hostName: string) => void }> {
  const connections = new Map<string, Set<Socket>>()
  const server = createServer({ key: privateKey, cert, keepAliveTimeout: 65_000 }, (request, response) => {
    serve(handlers, request, response).catch(() => response.destroy())
  })
  server.on('secureConnection', (socket) => {
    const name = typeof socket.servername === 'string' ? socket.servername : ''
    const known = connections.get(name) ?? new Set()
    connections.set(name, known.add(socket))
    socket.once('close', () => known.delete(socket))
  })
  const address = await listenOn(server, host, port)
  return {
    server,
    port: address.port,
    url: `https://${host}:${address.port}`,
    disconnect: (hostName) => connections.get(hostName)?.forEach((socket) => socket.destroy()),
  }
}

async function serve(
  handlers: HttpsHandlers,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(message)
  if (body === undefined) {
    response.writeHead(413, { connection: 'close' }).end()
    return
  }
  const url = new URL(message.url ?? '/', 'https://emulator')
  const { socket } = message
  const request: AzureRequest = {
    method: message.method ?? '',
    host: (message.headers.host ?? '').toLowerCase().replace(/:\d+$/, ''),
    path: url.pathname,
    query: url.searchParams,
    headers: message.headers,
    body,
    sourceIpAddress: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    tlsVersion: socket instanceof TLSSocket ? (socket.getProtocol() ?? '') : '',
  }
  if (url.pathname.startsWith('/_emulator/')) {
    const { httpStatus, body } = await handlers.control(url.pathname.slice('/_emulator/'.length), request)
    response.writeHead(httpStatus, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    return
  }
  send(response, await handlers.azure(request))
}

/** @returns undefined when the body is larger than anything the services accept */
async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message) {
    if (!(chunk instanceof Buffer)) continue
    length += chunk.length
    if (length <= BODY_BYTES_MAX) chunks.push(chunk)
  }
  return length > BODY_BYTES_MAX ? undefined : Buffer.concat(chunks)
}

function send(response: ServerResponse, reply: AzureReply): void {
  if (reply.type === 'reset') response.socket?.destroy()
  if (reply.type !== 'answer') return
  response.writeHead(reply.httpStatus, {
    ...reply.headers,
    'content-length': Buffer.byteLength(reply.body),
  })
  response.end(reply.body)
}
