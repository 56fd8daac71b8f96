import { channel } from 'node:diagnostics_channel'
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { KekFault } from './kek-fault.ts'

/** `body` belongs to the receiver, who wipes it. */
export type BytesReply = Readonly<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>

export type BytesRequest = Readonly<{
  method: Dispatcher.HttpMethod
  path: string
  headers: Record<string, string>
  body: Buffer | null
  /** Scheme, host and port, for a dispatcher that serves more than one. */
  origin?: string
}>

/** Why there is no reply. */
export type ExchangeFailure =
  | 'timeout'
  | 'aborted'
  | 'host-not-found'
  | 'connection-failed'
  | 'reply-too-large'

type Limits = Readonly<{
  timeoutMs: number
  replyBytesMax: number
  signal: AbortSignal | undefined
  /** Names the failure in the words of the cloud that was asked. */
  faultOf: (failure: ExchangeFailure) => KekFault
}>

const received = channel('hasp.kms.received')

/**
 * Has `listener` called whenever bytes of a reply have arrived, in whichever exchange of the process: Node read them
 * all into one buffer, where a DEK may stand until something longer arrives.
 * @returns what ends it
 */
export function onSecretReceived(listener: () => void): Disposable {
  const heard = () => listener()
  received.subscribe(heard)
  return {
    [Symbol.dispose]: () => {
      received.unsubscribe(heard)
    },
  }
}

/**
 * Sends one request and gathers the reply in one buffer of our own, wiping every piece as it comes off the socket.
 * No part of the reply's body becomes a string here.
 *
 * @throws {KekFault} what `faultOf` makes of the failure
 */
export function exchangeBytes(
  dispatcher: Dispatcher,
  request: BytesRequest,
  limits: Limits,
): Promise<BytesReply> {
  return new Promise((resolve, reject) => {
    if (limits.signal?.aborted === true) return reject(limits.faultOf('aborted'))
    const collector = new ReplyCollector(limits, resolve, reject)
    dispatcher.dispatch(request, collector)
  })
}

/** Settles once: with the whole reply, or with the first thing that goes wrong. */
class ReplyCollector implements Dispatcher.DispatchHandler {
  readonly #limits: Limits
  readonly #resolve: (reply: BytesReply) => void
  readonly #reject: (fault: KekFault) => void
  readonly #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | undefined
  #isSettled = false
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #body: Buffer = Buffer.alloc(0)
  #length = 0

  constructor(limits: Limits, resolve: (reply: BytesReply) => void, reject: (fault: KekFault) => void) {
    this.#limits = limits
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(() => this.#fail('timeout'), limits.timeoutMs)
    limits.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isSettled) controller.abort(new Error('The call was given up.'))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // An interim reply (1xx) comes before the real one.
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    const expected = Number(headers['content-length'] ?? this.#limits.replyBytesMax)
    if (!(expected <= this.#limits.replyBytesMax)) return this.#fail('reply-too-large')
    this.#body = Buffer.alloc(expected)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    const end = this.#length + chunk.length
    if (!this.#isSettled && end <= this.#body.length) chunk.copy(this.#body, this.#length)
    chunk.fill(0)
    received.publish(undefined)
    if (end > this.#body.length) this.#fail('reply-too-large')
    this.#length = end
  }

  onResponseEnd(): void {
    if (!this.#settle()) return
    this.#resolve({
      status: this.#status,
      headers: this.#headers,
      body: this.#body.subarray(0, this.#length),
    })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const code = 'code' in error ? error.code : undefined
    if (code === 'ENOTFOUND') this.#fail('host-not-found')
    else this.#fail(code === 'UND_ERR_CONNECT_TIMEOUT' ? 'timeout' : 'connection-failed')
  }

  readonly #onAbort = (): void => this.#fail('aborted')

  #fail(code: ExchangeFailure): void {
    if (!this.#settle()) return
    this.#body.fill(0)
    this.#controller?.abort(new Error('The call was given up.'))
    this.#reject(this.#limits.faultOf(code))
  }

  /** True for the first to end the call. */
  #settle(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    clearTimeout(this.#timer)
    this.#limits.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}
