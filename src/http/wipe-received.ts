import type { IncomingMessage } from 'node:http'
import type { ReadBuffers } from './read-buffers.ts'

/** Reads and zeroes the rest of a body that a refused request was not asked for: it may hold a credential. */
export function wipeUnreadBody(request: IncomingMessage): void {
  if (!request.readableDidRead && !request.destroyed) request.on('data', wipe)
}

/**
 * Sees to what every body leaves behind that may hold a credential, however its request ends: pieces that nobody took
 * because the caller went away, and the bytes in `readBuffers`.
 */
export function wipeBodyAfterUse(
  request: IncomingMessage,
  readBuffers: Pick<ReadBuffers, 'overwrite'>,
): void {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  if (length === '0' && coding === undefined) return
  // No route reads these, and Node would throw them away as they are.
  if (request.method === 'GET' || request.method === 'HEAD') wipeUnreadBody(request)
  request.once('close', () => {
    for (let left = read(request); left !== null; left = read(request)) wipe(left)
    readBuffers.overwrite()
  })
}

/** Without setEncoding a request's chunks are Buffers. */
function read(request: IncomingMessage): Buffer | null {
  return request.read() as Buffer | null
}

function wipe(chunk: Buffer): void {
  chunk.fill(0)
}
