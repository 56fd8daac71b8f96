import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { AcceptedCredentials } from './accepted-credentials.ts'
import { answerControl, isControlPath } from './control.ts'
import type { ProviderDialect } from './dialect.ts'
import { parseObject, readBody } from './read-body.ts'
import { RequestJournal, type RecordedRequest } from './request-journal.ts'
import { writeAnswer } from './write-answer.ts'

export type MockProviderOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free one. */
  readonly port?: number
  readonly acceptedCredentials?: readonly string[]
  /** PEM; with it the provider speaks HTTPS. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
  /** Before each piece of text of a stream. Default 0. */
  readonly chunkDelayMs?: number
  /** Pieces of text in every answer. Default 8. */
  readonly chunkCount?: number
  /** How many requests are remembered. Default 1000. */
  readonly requestsMax?: number
}

/** A running mock provider. Its control paths (`/_emulator/…`) offer the same from another process. */
export type MockProvider = AsyncDisposable & {
  /** Such as `http://127.0.0.1:34567`, without a path. */
  readonly origin: string
  setAcceptedCredentials(secrets: readonly string[]): void
  setStream(stream: { chunkDelayMs?: number; chunkCount?: number }): void
  /** The last requests that arrived, oldest first: copies, without any credential. */
  requests(): RecordedRequest[]
  /** All requests that ever arrived, control paths left out, counted when their head was read. */
  requestCount(): number
  /** Stops listening and cuts every connection. */
  close(): Promise<void>
}

type Provider = {
  readonly dialect: ProviderDialect
  readonly accepted: AcceptedCredentials
  readonly journal: RequestJournal
  stream: { chunkDelayMs: number; chunkCount: number }
}

/** Starts a mock of the provider that `dialect` describes; resolves once it listens. */
export async function startMockProvider(
  dialect: ProviderDialect,
  options: MockProviderOptions,
): Promise<MockProvider> {
  const { host = '127.0.0.1', port = 0, tls, chunkDelayMs = 0, chunkCount = 8, requestsMax = 1000 } = options
  const provider: Provider = {
    dialect,
    accepted: new AcceptedCredentials(options.acceptedCredentials),
    journal: new RequestJournal(requestsMax),
    stream: { chunkDelayMs, chunkCount },
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(provider, request, response).catch(() => response.destroy())
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener)
  server.keepAliveTimeout = 60_000
  server.listen(port, host)
  await once(server, 'listening')
  return runningProvider(
    provider,
    server,
    `${tls === undefined ? 'http' : 'https'}://${host}:${portOf(server)}`,
  )
}

async function handle(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = request
  if (isControlPath(url)) return answerControl(provider, request, response)
  const entry = provider.journal.record(method, url, request.headers)
  response.once('close', () => {
    entry.isAborted = !response.writableFinished
  })
  const body = await readBody(request)
  entry.bodySha256 = hash('sha256', body, 'hex')
  const requestId = provider.dialect.newRequestId()
  const answer = decide(provider, request, body, requestId)
  await writeAnswer(response, answer, provider.dialect.replyHeaders(requestId), provider.stream)
}

function decide(
  { dialect, accepted, stream }: Provider,
  request: IncomingMessage,
  body: Buffer,
  requestId: string,
) {
  const credential = dialect.credentialOf(request.headers)
  if (credential === undefined || !accepted.has(credential))
    return dialect.refuseCredential(credential, requestId)
  const refusal = dialect.checkHeaders(request.headers, requestId)
  if (refusal !== undefined) return refusal
  const json = parseObject(body)
  if (body.byteLength > 0 && json === null) return dialect.refuseBody(requestId)
  const { method = 'GET', url = '/' } = request
  return dialect.answer({ method, path: url.split('?', 1)[0] ?? url, body: json }, stream, requestId)
}

function runningProvider(provider: Provider, server: Server, origin: string): MockProvider {
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return {
    origin,
    setAcceptedCredentials: (secrets) => provider.accepted.set(secrets),
    setStream: (stream) => {
      provider.stream = { ...provider.stream, ...stream }
    },
    requests: () => provider.journal.entries(),
    requestCount: () => provider.journal.count,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('The mock provider listens on no port.')
  return address.port
}
