import type { ServerResponse } from 'node:http'
import type { Receipt, ReceiptOutcome } from '#ledger/receipt.ts'
import type { Dialect, Provider } from '#providers/provider.ts'
import type { LendableTarget } from '#targets/lendable.ts'
import type { OngoingCall, Withdrawal } from './calls-in-flight.ts'
import type { CredentialMark } from './credential-mark.ts'
import type { ProxyDeps } from './deps.ts'
import { streamRefusal } from './dialects/write-refusal.ts'
import { ErrorReply } from './error-reply.ts'
import { isAscii } from './header-names.ts'
import { Refusal } from './refusal.ts'
import { receiptHeader, selectReplyHeaders } from './reply-headers.ts'
import type { UpstreamError } from './upstream/upstream-error.ts'
import type {
  ReplyHeaders,
  ReplySink,
  UpstreamExchange,
  UpstreamRequest,
} from './upstream/upstream-request.ts'

type Subject = Readonly<{
  response: ServerResponse
  dialect: Dialect
  provider: Provider
  lendable: LendableTarget
  receipt: Receipt
  requestBytes: number
  isStream: boolean
  mark: CredentialMark
  /** Whether what the call was decided on was taken back, so that its credential was not opened. */
  isOvertaken: () => boolean
}>

/** Of the provider's own request id, in the ledger. Providers' ids are some 40 characters. */
const requestIdCharsMax = 256

/** `overtaken`: nothing was sent, what the call was decided on has changed, and it is to be decided anew. */
type ExchangeEnd = 'ended' | 'overtaken'

/**
 * One call from its committed receipt to its settled outcome: hands the provider's reply on byte for byte as it
 * comes, at the pace at which the caller reads, and ends when either side does.
 */
export class ProxiedCall implements ReplySink, OngoingCall {
  readonly kekId: string
  readonly orgId: string
  readonly targetId: string
  readonly virtualKeyId: string
  readonly isCutOnRevocation: boolean
  place: number | undefined
  readonly #deps: ProxyDeps
  readonly #subject: Subject
  readonly #startedAtMs = performance.now()
  #exchange: UpstreamExchange | undefined
  #refuse: ((refusal: unknown) => void) | undefined
  #resolve: ((end: ExchangeEnd) => void) | undefined
  #status: number | null = null
  #responseBytes = 0
  /** Length of the reply's body where it is known beforehand; -1 for a stream. */
  #expectedBytes = -1
  /** A reply that came in one piece leaves in one piece, with its head. */
  #only: Buffer | null = null
  #errorReply: ErrorReply | null = null
  #upstreamRequestId: string | null = null
  #isEventStream = false
  #isSettled = false

  constructor(deps: ProxyDeps, subject: Subject) {
    this.#deps = deps
    this.#subject = subject
    this.kekId = subject.lendable.kek.id
    this.orgId = subject.receipt.orgId
    this.targetId = subject.receipt.targetId
    this.virtualKeyId = subject.receipt.virtualKeyId
    this.isCutOnRevocation = subject.lendable.kek.streamRule === 'cut'
  }

  get isCredentialSent(): boolean {
    return this.#exchange?.isCredentialSent ?? false
  }

  /**
   * Sends the request and resolves when the call has ended and holds nothing of the request's body.
   * @throws {Refusal}, {UpstreamError} for a call that failed before anything reached the caller.
   */
  exchange(request: UpstreamRequest): Promise<ExchangeEnd> {
    const { calls, transport } = this.#deps
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#refuse = reject
      const { response } = this.#subject
      if (response.destroyed) {
        this.#settle('client-aborted')
        return
      }
      calls.add(this)
      response.once('close', () => this.#onCallerGone())
      this.#exchange = transport.send(request, this)
    })
  }

  onHeaders(status: number, replyHeaders: ReplyHeaders): void {
    const { provider, lendable, receipt } = this.#subject
    this.#status = status
    if (status === 401) {
      this.#onCredentialRejected()
      return
    }
    const use = receipt.unwrap
    const headers = selectReplyHeaders(status, replyHeaders, provider, {
      receipt: receipt.receiptId,
      target: headerNameOf(lendable.target),
      unwrap: `${use.unwrapId}; mode=${use.mode}; ${use.isReused ? 'reused' : 'fresh'}`,
    })
    if (status < 300) this.#beginReply(status, headers)
    else this.#errorReply = new ErrorReply(status, headers, this.#subject.mark)
  }

  #beginReply(status: number, headers: string[]): void {
    const { response, provider } = this.#subject
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index]
      const value = headers[index + 1] ?? ''
      if (name === 'content-length') this.#expectedBytes = Number(value)
      else if (name === 'content-type') this.#isEventStream = value.startsWith('text/event-stream')
      else if (name === provider.requestIdHeader) {
        // It is kept in the ledger, and a provider may put there what it was sent, and as much as it likes.
        const masked = this.#subject.mark.maskedHeader(value)
        headers[index + 1] = masked
        this.#upstreamRequestId = masked.slice(0, requestIdCharsMax)
      }
    }
    if (this.#deps.stopping.aborted) headers.push('connection', 'close')
    response.writeHead(status, headers)
    if (this.#expectedBytes === -1) response.flushHeaders()
  }

  onData(chunk: Buffer): boolean {
    if (this.#isSettled) return true
    if (this.#errorReply !== null) {
      if (!this.#errorReply.add(chunk)) {
        this.onEnd()
        this.#exchange?.abort()
      }
      return true
    }
    const { response } = this.#subject
    if (this.#responseBytes === 0 && chunk.length === this.#expectedBytes) {
      this.#responseBytes = chunk.length
      this.#only = chunk
      return true
    }
    this.#responseBytes += chunk.length
    if (response.write(chunk)) return true
    const stuck = setTimeout(() => this.#onCallerStuck(), this.#deps.upstreamIdleTimeoutMs)
    response.once('drain', () => {
      clearTimeout(stuck)
      this.#exchange?.resume()
    })
    return false
  }

  onEnd(): void {
    if (this.#isSettled) return
    if (this.#errorReply !== null) this.#handOnError(this.#errorReply)
    this.#settle('completed')
    endInOneWrite(this.#subject.response, this.#only)
    this.#deps.onTargetUsed({ orgId: this.orgId, targetId: this.#subject.lendable.target.id })
  }

  onError(error: UpstreamError): void {
    if (this.#isSettled) return
    if (error.code === 'credential-unavailable' && this.#subject.isOvertaken()) return this.decideAnew()
    if (!this.#subject.response.headersSent) return this.#settle('upstream-failed', error)
    this.#settle('upstream-failed')
    this.#breakOff(new Refusal('upstream_unreachable'))
  }

  cutOnRevocation(withdrawal: Withdrawal): void {
    this.#cut(this.isCredentialSent ? 'cut-on-revocation' : 'refused', new Refusal(withdrawal))
  }

  decideAnew(): void {
    if (this.#isSettled) return
    this.#deps.stats.staleDecisions += 1
    this.#resolve?.('overtaken')
    this.#settle('refused')
    this.#exchange?.abort()
  }

  cutOnStop(): void {
    this.#cut('upstream-failed', new Refusal('hasp_stopping'))
  }

  #cut(end: ReceiptOutcome['end'], refusal: Refusal): void {
    if (this.#isSettled) return
    const isBegun = this.#subject.response.headersSent
    this.#settle(end, isBegun ? undefined : refusal)
    this.#exchange?.abort()
    if (isBegun) this.#breakOff(refusal)
  }

  /**
   * Ends a reply that has begun so that nobody takes it for complete: a reader of server-sent events is told in the
   * stream, and every reader sees the connection break before the end of the body.
   */
  #breakOff(refusal: Refusal): void {
    const { response, dialect } = this.#subject
    this.#deps.stats.countRefusal(refusal.code)
    if (!this.#isEventStream || this.#expectedBytes !== -1 || response.writableNeedDrain) {
      response.destroy()
      return
    }
    response.write(streamRefusal(dialect, refusal), () => response.destroy())
  }

  #onCallerGone(): void {
    if (this.#isSettled) return
    this.#settle('client-aborted')
    this.#exchange?.abort()
  }

  /** A caller that stopped reading would otherwise hold its connection and the provider's for ever. */
  #onCallerStuck(): void {
    if (!this.#isSettled) this.#subject.response.destroy()
  }

  /** The caller's virtual key is fine: it must not read the provider's 401 as its own. */
  #onCredentialRejected(): void {
    const { lendable } = this.#subject
    this.#settle('refused', new Refusal('credential_rejected'))
    this.#exchange?.abort()
    this.#deps.onCredentialRejected({
      orgId: this.orgId,
      targetId: lendable.target.id,
      generation: lendable.target.generation,
    })
  }

  #handOnError(reply: ErrorReply): void {
    const { headers, body } = reply.masked()
    this.#errorReply = null
    this.#beginReply(reply.status, headers)
    if (body.length > 0) this.onData(body)
  }

  /** @param refusal what the caller is told, where nothing was handed on to it. */
  #settle(end: ReceiptOutcome['end'], refusal?: Refusal | UpstreamError): void {
    this.#isSettled = true
    const { receipt, requestBytes } = this.#subject
    this.#deps.calls.delete(this)
    this.#deps.stats.countEnd(end)
    this.#deps.receipts.settle({
      receiptId: receipt.receiptId,
      orgId: receipt.orgId,
      virtualKeyId: receipt.virtualKeyId,
      targetId: receipt.targetId,
      kekId: receipt.kekId,
      end,
      status: this.#status,
      requestBytes: this.isCredentialSent ? requestBytes : 0,
      responseBytes: this.#responseBytes,
      durationMs: Math.round(performance.now() - this.#startedAtMs),
      upstreamRequestId: this.#upstreamRequestId,
    })
    const exchange = this.#exchange
    if (refusal !== undefined) {
      this.#subject.response.setHeader(receiptHeader, receipt.receiptId)
      this.#refuse?.(refusal)
    } else if (exchange === undefined) this.#resolve?.('ended')
    else exchange.whenBodyLeft(() => this.#resolve?.('ended'))
  }
}

/** Names are people's, in any script; a header's value is ASCII. */
function headerNameOf({ name, id }: { name: string; id: string }): string {
  return isAscii(name) ? name : id
}

/** Up to here Node joins head and body in one piece on the stack, with nothing to allocate or to gather. */
const joinedBytesMax = 8 * 1024

/** Latin-1 maps every byte to one character and back: the body stays byte for byte what it was. */
function endInOneWrite(response: ServerResponse, body: Buffer | null): void {
  if (body !== null && body.length <= joinedBytesMax) {
    response.end(body.toString('latin1'), 'latin1')
  } else {
    response.end(body)
  }
}
