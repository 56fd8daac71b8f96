import type { IncomingHttpHeaders } from 'node:http'
import type { CryptographyClientOptions } from '@azure/keyvault-keys'
import type { Dispatcher } from 'undici'
import { exchangeBytes } from '#kms/exchange-bytes.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { transportFault } from './transport-faults.ts'

type HttpClient = NonNullable<CryptographyClientOptions['httpClient']>
type Request = Parameters<HttpClient['sendRequest']>[0]
type Response = Awaited<ReturnType<HttpClient['sendRequest']>>

/** What came back, for whoever judges it better than the SDK's error does. */
export type Exchanged = Readonly<{ status: number; headers: IncomingHttpHeaders; bodyAsText: string }>

type SdkHttpOptions = Readonly<{
  timeoutMs: number
  /** The one origin that may be asked, whatever the SDK reads in its environment. */
  origin?: string
  onExchange?: (exchanged: Exchanged | KekFault) => void
}>

const REPLY_BYTES_MAX = 64 * 1024

/**
 * Sends the SDK's requests over our own connections, so that pinned addresses, certificate authorities and time
 * limits hold for them too, and no environment variable of the SDK's (proxies) changes where they go.
 */
export class SdkHttpClient implements HttpClient {
  readonly #dispatcher: Dispatcher
  readonly #options: SdkHttpOptions

  constructor(dispatcher: Dispatcher, options: SdkHttpOptions) {
    this.#dispatcher = dispatcher
    this.#options = options
  }

  async sendRequest(request: Request): Promise<Response> {
    const { timeoutMs, origin, onExchange } = this.#options
    const url = new URL(request.url)
    if (origin !== undefined && url.origin !== origin) throw transportFault('connection-failed')
    // The SDK writes strings only; anything else would be a request that we do not make.
    if (request.body !== undefined && request.body !== null && typeof request.body !== 'string') {
      throw transportFault('malformed-reply')
    }
    const { signal, release } = signalOf(request)
    try {
      const reply = await exchangeBytes(
        this.#dispatcher,
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: request.method,
          headers: request.headers.toJSON(),
          body: request.body ? Buffer.from(request.body, 'utf8') : null,
        },
        {
          timeoutMs,
          replyBytesMax: REPLY_BYTES_MAX,
          signal,
          faultOf: (failure) => transportFault(failure),
        },
      )
      const bodyAsText = reply.body.toString('utf8')
      reply.body.fill(0)
      const { status, headers } = reply
      onExchange?.({ status, headers, bodyAsText })
      return { request, status, headers: new ReplyHeaders(headers), bodyAsText }
    } catch (error) {
      if (error instanceof KekFault) onExchange?.(error)
      throw error
    } finally {
      release()
    }
  }
}

/** The SDK's own kind of signal, as the platform's. */
function signalOf({ abortSignal }: Request): { signal: AbortSignal | undefined; release: () => void } {
  if (abortSignal === undefined) return { signal: undefined, release: () => {} }
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (abortSignal.aborted) abort()
  abortSignal.addEventListener('abort', abort)
  return { signal: controller.signal, release: () => abortSignal.removeEventListener('abort', abort) }
}

/** A reply's headers as the SDK reads them. */
class ReplyHeaders {
  readonly #values: Map<string, string>

  constructor(headers: IncomingHttpHeaders) {
    this.#values = new Map(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value ?? '')]),
    )
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase())
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase())
  }

  set(name: string, value: string | number | boolean): void {
    this.#values.set(name.toLowerCase(), String(value))
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase())
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#values)
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#values.entries()
  }
}
