import type { UpstreamCredential } from './upstream-request.ts'
import type { UpstreamTransport } from './upstream-transport.ts'

const bodyStartBytesMax = 16_384
const timeoutMs = 15_000

/**
 * Makes one small request of our own to a provider (the check of a credential) over the transport that never makes
 * a string of one. Only the beginning of the reply is read.
 * @throws {UpstreamError}
 */
export function callProvider(
  transport: Pick<UpstreamTransport, 'send'>,
  request: {
    baseUrl: string
    method: string
    path: string
    headers: readonly string[]
    credential: UpstreamCredential
  },
): Promise<{ status: number; bodyStart: string }> {
  const { origin, pathname } = new URL(request.baseUrl)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    let status = 0
    const finish = () =>
      resolve({ status, bodyStart: Buffer.concat(chunks).toString('utf8', 0, bodyStartBytesMax) })
    const exchange = transport.send(
      {
        origin,
        method: request.method,
        path: (pathname === '/' ? '' : pathname) + request.path,
        headers: request.headers,
        credential: request.credential,
        body: null,
        headersTimeoutMs: timeoutMs,
        bodyTimeoutMs: timeoutMs,
      },
      {
        onHeaders: (replyStatus) => {
          status = replyStatus
        },
        onData: (chunk) => {
          chunks.push(chunk)
          length += chunk.length
          if (length >= bodyStartBytesMax) {
            finish()
            exchange.abort()
          }
          return true
        },
        onEnd: finish,
        onError: reject,
      },
    )
  })
}
