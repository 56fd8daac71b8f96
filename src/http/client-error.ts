import type { Duplex } from 'node:stream'

const answers: Readonly<Record<string, { status: string; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: 'The headers are larger than 16 KiB.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'The request did not arrive in time.' },
}
const malformed = { status: '400 Bad Request', message: 'This is not a well-formed HTTP/1.1 request.' }

/** Answers what Node's parser refused (smuggling shapes among it) before any route saw it, and closes. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const { status, message } = answers[error.code ?? ''] ?? malformed
  const body = JSON.stringify({
    error: { message, type: 'invalid_request_error', param: null, code: 'request_malformed' },
  })
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
