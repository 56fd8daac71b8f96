import type { IncomingMessage, Server } from 'node:http'
import type { ReadBuffer } from './read-buffer.ts'

/**
 * Zeroes the copy that Node makes of each read from a connection, as soon as the parser has taken what it needs; it
 * costs 2 µs of CPU a request. Without a listener for `data`, Node's parser would read from a buffer of its own that
 * nothing here reaches.
 */
export function wipeReceivedBytes(server: Server): void {
  // The parser's own listener was there first: bodies are handed on as copies, headers as strings.
  server.on('connection', (socket) => socket.on('data', wipe))
}

/** Reads and zeroes the rest of a body that a refused request was not asked for: it may hold a credential. */
export function wipeUnreadBody(request: IncomingMessage): void {
  if (!request.readableDidRead && !request.destroyed) request.on('data', wipe)
}

/**
 * Sees to what every body leaves behind that may hold a credential, however its request ends: pieces that nobody took
 * because the caller went away, and the bytes in `readBuffer`.
 */
export function wipeBodyAfterUse(request: IncomingMessage, readBuffer: Pick<ReadBuffer, 'overwrite'>): void {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  if (length === '0' && coding === undefined) return
  // No route reads these, and Node would throw them away as they are.
  if (request.method === 'GET' || request.method === 'HEAD') wipeUnreadBody(request)
  request.once('close', () => {
    for (let left = read(request); left !== null; left = read(request)) wipe(left)
    readBuffer.overwrite()
  })
}

/** Without setEncoding a request's chunks are Buffers. */
function read(request: IncomingMessage): Buffer | null {
  return request.read() as Buffer | null
}

function wipe(chunk: Buffer): void {
  chunk.fill(0)
}
