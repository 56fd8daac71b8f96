import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'

export type HttpRequest = Readonly<{
  url: URL
  method: string
  headers: Readonly<Record<string, string>>
  /** Written to the socket as it is, never copied: it may hold a credential, and its owner wipes it. */
  body: Buffer | undefined
  timeoutMs: number
}>
export type HttpReply = Readonly<{ status: number; contentType: string; text: string }>

/** The exchange failed below HTTP: nobody knows whether the request was carried out. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  /** Node's code, such as `ECONNREFUSED`. */
  readonly code: string

  constructor(code: string) {
    super(`The exchange failed: ${code}.`)
    this.code = code
  }
}

/** The code of a NetworkError for a reply that did not come in time. */
export const timedOut = 'TIMED_OUT'
const replyBytesMax = 16 * 1024 * 1024

/**
 * One HTTP exchange. node:http and not fetch, because fetch copies its body into memory that nobody can wipe.
 * Redirects are answers like any other: the token goes to no other place.
 * @throws {NetworkError}
 */
export async function exchange(request: HttpRequest): Promise<HttpReply> {
  const open =
    request.url.protocol === 'https:'
      ? (await import('node:https')).request
      : (await import('node:http')).request
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>()
  const options: RequestOptions = {
    method: request.method,
    headers: { ...request.headers, ...lengthOf(request.body) },
    // One exchange for each connection: nothing keeps the process from ending.
    agent: false,
    signal: AbortSignal.timeout(request.timeoutMs),
  }
  const fail = (error: Error) => reject(new NetworkError(codeOf(error)))
  const outgoing: ClientRequest = open(request.url, options, (reply) => {
    readReply(reply).then(resolve, fail)
  })
  outgoing.once('error', fail)
  outgoing.end(request.body)
  return promise
}

function lengthOf(body: Buffer | undefined): Record<string, string> {
  return body === undefined
    ? {}
    : { 'content-length': String(body.length), 'content-type': 'application/json' }
}

async function readReply(reply: IncomingMessage): Promise<HttpReply> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of reply) {
    // Without setEncoding a reply's chunks are Buffers.
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length > replyBytesMax) throw Object.assign(new Error('too large'), { code: 'REPLY_TOO_LARGE' })
  }
  return {
    status: reply.statusCode ?? 0,
    contentType: reply.headers['content-type'] ?? '',
    text: Buffer.concat(chunks, length).toString('utf8'),
  }
}

function codeOf(error: Error): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return timedOut
  // Of a name with several addresses, the first one's failure tells enough.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error]
  return first instanceof Error && 'code' in first && typeof first.code === 'string' ? first.code : 'UNKNOWN'
}
