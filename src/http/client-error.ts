import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

const answers: Readonly<Record<string, { status: string; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: 'The headers are larger than 16 KiB.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'The request did not arrive in time.' },
  HASP_HOST_MISSING: { status: '400 Bad Request', message: 'A request of HTTP/1.1 has a "host" header.' },
  HASP_CONNECT: {
    status: '501 Not Implemented',
    message: 'Hasp opens no tunnels (CONNECT): name it as the base URL of your SDK, not as HTTPS_PROXY.',
  },
}
const malformed = { status: '400 Bad Request', message: 'This is not a well-formed HTTP/1.1 request.' }

/** Answers what was refused (smuggling shapes among it) before any route saw it, and closes. */
export function answerClientError(error: Pick<NodeJS.ErrnoException, 'code'>, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const { status, message } = answers[error.code ?? ''] ?? malformed
  const body = JSON.stringify({
    error: { message, type: 'invalid_request_error', param: null, code: 'request_malformed' },
  })
  // Whoever keeps the other half open would keep the connection; of a tunnel Node has let go, errors included.
  socket.on('error', () => {})
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}

/** Whether an earlier answer is being written, which this one would fall into. Node's own handler looks here, too. */
function isAnswering(socket: Duplex & { _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.headersSent ?? false
}
