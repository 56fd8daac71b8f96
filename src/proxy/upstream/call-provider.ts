import { UpstreamError } from './upstream-error.ts'
import type { UpstreamCredential } from './upstream-request.ts'
import type { UpstreamTransport } from './upstream-transport.ts'

const bodyStartBytesMax = 16_384
/** From one byte of the provider's to the next. */
const silenceMs = 15_000
/** From the first to the last step, connecting included. */
const wholeCallMs = 30_000

/**
 * Makes one small request of our own to a provider (the check of a credential) over the transport that never makes
 * a string of one. Only the beginning of the reply is read, and however slowly it comes, the call ends in time.
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
  timeoutMs = wholeCallMs,
): Promise<{ status: number; bodyStart: string }> {
  const { origin, pathname } = new URL(request.baseUrl)
  const answer = Promise.withResolvers<{ status: number; bodyStart: string }>()
  const bodyStart = Buffer.alloc(bodyStartBytesMax)
  let length = 0
  let status = 0
  const finish = () => answer.resolve({ status, bodyStart: bodyStart.toString('utf8', 0, length) })
  const exchange = transport.send(
    {
      origin,
      method: request.method,
      path: (pathname === '/' ? '' : pathname) + request.path,
      headers: request.headers,
      credential: request.credential,
      body: null,
      headersTimeoutMs: silenceMs,
      bodyTimeoutMs: silenceMs,
    },
    {
      onHeaders: (replyStatus) => {
        status = replyStatus
      },
      onData: (chunk) => {
        length += chunk.copy(bodyStart, length)
        if (length === bodyStartBytesMax) {
          finish()
          exchange.abort()
        }
        return true
      },
      onEnd: finish,
      onError: answer.reject,
    },
  )
  const timer = setTimeout(() => {
    answer.reject(new UpstreamError('answer-timeout'))
    exchange.abort()
  }, timeoutMs)
  return answer.promise.finally(() => {
    clearTimeout(timer)
    bodyStart.fill(0)
  })
}
