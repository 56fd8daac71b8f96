import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long, and for how many bytes, a body is still taken in that nobody reads. */
const lingerMs = 5_000
const lingerBytesMax = 64 * 1024 * 1024

/**
 * Ends an answer that was decided on before its request had arrived: `body` is sent at once, then what comes of the
 * request is dropped, within bounds, before the connection closes. One that closes on a sender is reset, and SDKs
 * would report a broken connection and send it all again, without having heard why (RFC 9112 §9.6).
 */
export function endAfterBody(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  if (request.complete || request.destroyed) {
    response.end(body)
    return
  }
  response.write(body)
  let bytesLeft = lingerBytesMax
  const end = () => {
    clearTimeout(timer)
    request.off('data', drop).off('end', end).off('close', end)
    response.end()
  }
  const drop = (chunk: Buffer) => {
    bytesLeft -= chunk.length
    if (bytesLeft < 0) end()
  }
  const timer = setTimeout(end, lingerMs)
  request.on('data', drop).on('end', end).on('close', end)
}
