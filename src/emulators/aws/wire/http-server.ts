import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { listenOn } from '#emulators/common/listen.ts'
import type { AwsReply, AwsRequest } from './aws-reply.ts'

const BODY_BYTES_MAX = 64 * 1024
/** Read and dropped, so that the client of a large body gets to read its refusal; beyond it, the connection goes. */
const DRAIN_BYTES_MAX = 4 * 1024 * 1024

export type HttpHandlers = Readonly<{
  /** By how much the service's `Date` differs from the machine's; SDKs correct their clocks by it. */
  signatureSkewMs: () => number
  kms: (request: AwsRequest, requestId: string) => Promise<AwsReply>
  sts: (request: AwsRequest, requestId: string) => Promise<AwsReply>
  /** Serves `/_emulator/…`. */
  control: (path: string, request: AwsRequest) => Promise<{ httpStatus: number; body: unknown }>
}>

/** Listens for both services and the control API on one address. */
export async function listenHttp(
  handlers: HttpHandlers,
  host: string,
  port: number,
): Promise<{ server: Server; url: string }> {
  const server = createServer({ keepAliveTimeout: 65_000, maxHeaderSize: 32 * 1024 }, (request, response) => {
    serve(handlers, request, response).catch(() => response.destroy())
  })
  const address = await listenOn(server, host, port)
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { server, url: `http://${shownHost}:${address.port}` }
}

async function serve(
  handlers: HttpHandlers,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = message.url ?? '/'
  const body = await readBody(message)
  const skewMs = handlers.signatureSkewMs()
  if (skewMs !== 0) response.setHeader('date', new Date(Date.now() + skewMs).toUTCString())
  if (body === undefined) {
    response.setHeader('connection', 'close')
    send(response, tooLarge(randomUUID()))
    return
  }
  const request: AwsRequest = {
    method: message.method ?? '',
    headers: message.headers,
    body,
    sourceIpAddress: (message.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
  }
  if (path.startsWith('/_emulator/')) {
    const { httpStatus, body } = await handlers.control(path.slice('/_emulator/'.length), request)
    response.writeHead(httpStatus, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
    return
  }
  const requestId = randomUUID()
  if (path !== '/' || request.method !== 'POST')
    send(response, jsonError(404, 'UnknownOperationException', requestId))
  else if (request.headers['x-amz-target'] === undefined)
    send(response, await handlers.sts(request, requestId))
  else send(response, await handlers.kms(request, requestId))
}

/** @returns undefined when the body is larger than anything the services accept */
async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  const chunks: Buffer[] = []
  let length = 0
  message.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > DRAIN_BYTES_MAX) message.destroy()
    else if (length <= BODY_BYTES_MAX) chunks.push(chunk)
  })
  message.on('end', () => {
    const [first] = chunks
    if (length > BODY_BYTES_MAX) resolve(undefined)
    else resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks))
  })
  message.on('close', () => {
    if (!message.complete) reject(new Error('The request was cut short.'))
  })
  return promise
}

function send(response: ServerResponse, reply: AwsReply): void {
  if (reply.type === 'reset') response.socket?.resetAndDestroy()
  if (reply.type !== 'answer') return
  response.writeHead(reply.httpStatus, {
    'x-amzn-RequestId': reply.requestId,
    'Content-Type': reply.contentType,
    'Content-Length': Buffer.byteLength(reply.body),
  })
  response.end(reply.body)
}

function tooLarge(requestId: string): AwsReply {
  return jsonError(413, 'RequestEntityTooLargeException', requestId)
}

function jsonError(httpStatus: number, code: string, requestId: string): AwsReply {
  return {
    type: 'answer',
    httpStatus,
    contentType: 'application/x-amz-json-1.1',
    body: JSON.stringify({ __type: code }),
    requestId,
  }
}
