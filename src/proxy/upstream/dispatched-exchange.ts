import type { Dispatcher } from 'undici'
import type { CredentialSlot, CredentialSlots } from './credential-slots.ts'
import { toUpstreamError, UpstreamError } from './upstream-error.ts'
import type { OriginPool } from './upstream-pools.ts'
import type {
  ReplyHeaders,
  ReplySink,
  UpstreamCredential,
  UpstreamExchange,
  UpstreamRequest,
} from './upstream-request.ts'

/** One request in undici's hands: its dispatch handler, and what stands behind its placeholder. */
export class DispatchedExchange implements UpstreamExchange, CredentialSlot, Dispatcher.DispatchHandler {
  readonly lengthMax: number
  readonly #sink: ReplySink
  readonly #slots: CredentialSlots
  readonly #placeholder: string
  #credential: UpstreamCredential | null
  #lease: OriginPool | null = null
  #controller: Dispatcher.DispatchController | null = null
  #isCredentialSent = false
  #isDispatched = false
  #isSettled = false
  #isBodyLeaving = false
  #onBodyLeft: (() => void) | null = null

  constructor(credential: UpstreamCredential, sink: ReplySink, slots: CredentialSlots) {
    this.lengthMax = credential.lengthMax
    this.#credential = credential
    this.#sink = sink
    this.#slots = slots
    this.#placeholder = slots.bind(this)
  }

  get isCredentialSent(): boolean {
    return this.#isCredentialSent
  }

  abort(): void {
    if (this.#isSettled) return
    this.#credential = null
    const reason = new UpstreamError('aborted')
    if (this.#controller === null) this.#fail(reason)
    else this.#controller.abort(reason)
  }

  whenBodyLeft(onLeft: () => void): void {
    if (this.#isBodyLeaving) this.#onBodyLeft = onLeft
    else onLeft()
  }

  resume(): void {
    if (!this.#isSettled) this.#controller?.resume()
  }

  /** Hands the request over. What goes wrong goes to the sink, in a later turn. */
  dispatch(lease: OriginPool, request: UpstreamRequest): void {
    this.#lease = lease
    lease.inFlight += 1
    const { method, path, headers, credential, body, headersTimeoutMs, bodyTimeoutMs } = request
    lease.pool.dispatch(
      {
        method,
        path,
        headers: [credential.headerName, `${credential.prefix}${this.#placeholder}`, ...headers],
        body,
        headersTimeout: headersTimeoutMs,
        bodyTimeout: bodyTimeoutMs,
      },
      this,
    )
    this.#isDispatched = true
  }

  /** Fails an exchange that could not be handed over. */
  refuse(error: unknown): void {
    this.#isDispatched = true
    queueMicrotask(() => this.#fail(error))
  }

  openInto(out: Buffer, offset: number): number {
    const credential = this.#credential
    if (credential === null) throw new UpstreamError('credential-unavailable')
    this.#credential = null
    return credential.openInto(out, offset)
  }

  markCredentialSent(): void {
    this.#isCredentialSent = true
  }

  markBodyHanded(): void {
    this.#isBodyLeaving = true
  }

  markBodyLeft(): void {
    this.#isBodyLeaving = false
    this.#onBodyLeft?.()
  }

  /** undici calls it when a connection is free, just before it writes the head. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isSettled) controller.abort(new UpstreamError('aborted'))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: ReplyHeaders): void {
    if (status >= 200 && !this.#isSettled) this.#sink.onHeaders(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isSettled && !this.#sink.onData(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#isSettled) return
    this.#settle()
    this.#sink.onEnd()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#isDispatched) this.#fail(error)
    else queueMicrotask(() => this.#fail(error))
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return
    const stage = { isStarted: this.#controller !== null, isCredentialSent: this.#isCredentialSent }
    this.#settle()
    this.#sink.onError(toUpstreamError(error, stage))
  }

  #settle(): void {
    this.#isSettled = true
    this.#credential = null
    this.#slots.release(this.#placeholder)
    if (this.#lease !== null) this.#lease.inFlight -= 1
  }
}
