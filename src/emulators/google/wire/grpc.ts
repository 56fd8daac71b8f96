import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { methodAt } from '#emulators/google/kms/methods.ts'
import type { CallOutcome, IncomingCall } from '#emulators/google/kms/serve-call.ts'
import { invalidArgument, StatusError } from './status-error.ts'
import { encodeStatus } from './status-message.ts'

const REQUEST_BYTES_MAX = 256 * 1024
const PREFIX_BYTES = 5

/**
 * Serves one unary gRPC call (gRPC over HTTP2). By hand rather than with a server library, because no library loses a
 * request or an answer when it is told to.
 */
export async function serveGrpc(
  serve: (call: IncomingCall) => Promise<CallOutcome>,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): Promise<void> {
  const { headers } = request
  const body = await readRequest(request)
  const method = methodAt(request.url)
  if (method === undefined) {
    return refuse(response, new StatusError('UNIMPLEMENTED', `The emulator has no method ${request.url}.`))
  }
  const outcome = await serve({
    method,
    request: () => method.decode(messageIn(body)),
    authorization: headers.authorization,
    requestReason: textOf(headers['x-goog-request-reason']),
    userAgent: headers['user-agent'] ?? '',
    callerIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
  })
  if (response.stream.destroyed) return
  switch (outcome.type) {
    case 'reply': {
      const reply = method.encode(outcome.reply)
      return answer(response, outcome.isMalformed ? reply.subarray(0, -1).fill(0xff) : reply)
    }
    case 'refusal':
      return refuse(response, outcome.error)
    case 'reset':
      response.stream.session?.destroy()
      return
    case 'hang':
  }
}

async function readRequest(request: Http2ServerRequest): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > REQUEST_BYTES_MAX) request.stream.close(constants.NGHTTP2_REFUSED_STREAM)
    else chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The one length-prefixed message of a unary request. @throws {StatusError} */
function messageIn(body: Buffer): Buffer {
  if (body.length < PREFIX_BYTES) throw invalidArgument('The request holds no message.')
  if (body.readUInt8(0) !== 0)
    throw new StatusError('UNIMPLEMENTED', 'Compressed messages are not supported.')
  if (body.readUInt32BE(1) !== body.length - PREFIX_BYTES) throw invalidArgument('The request is cut short.')
  return body.subarray(PREFIX_BYTES)
}

function answer(response: Http2ServerResponse, message: Buffer): void {
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, 1)
  response.writeHead(200, { 'content-type': 'application/grpc' })
  response.addTrailers({ 'grpc-status': '0' })
  response.end(Buffer.concat([prefix, message]))
}

function refuse(response: Http2ServerResponse, error: StatusError): void {
  const details = encodeStatus(error)
  // "Trailers-Only": one block of headers that ends the stream.
  response.stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(error.code),
      'grpc-message': percentEncoded(error.message),
      ...(details === undefined ? {} : { 'grpc-status-details-bin': details.toString('base64') }),
    },
    { endStream: true },
  )
}

/** gRPC over HTTP2, "Status-Message": everything but printable ASCII, and the percent sign. */
function percentEncoded(message: string): string {
  return Array.from(Buffer.from(message, 'utf8'), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
