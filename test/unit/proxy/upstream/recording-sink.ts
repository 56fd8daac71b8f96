import type { UpstreamError } from '#proxy/upstream/upstream-error.ts'
import type { ReplyHeaders, ReplySink } from '#proxy/upstream/upstream-request.ts'

export type Reply = { status: number; headers: ReplyHeaders; body: Buffer }

/** A sink that collects a reply; `done` settles with it, or rejects with the exchange's error. */
export class RecordingSink implements ReplySink {
  readonly #settled = Promise.withResolvers<Reply>()
  readonly chunks: Buffer[] = []
  status = 0
  headers: ReplyHeaders = {}
  /** In the order they came; the sink's contract allows exactly one 'end' or 'error', at the end. */
  readonly events: string[] = []

  get done(): Promise<Reply> {
    return this.#settled.promise
  }

  onHeaders(status: number, headers: ReplyHeaders): void {
    this.events.push('headers')
    this.status = status
    this.headers = headers
  }

  onData(chunk: Buffer): boolean {
    this.events.push('data')
    this.chunks.push(chunk)
    return true
  }

  onEnd(): void {
    this.events.push('end')
    const { status, headers } = this
    this.#settled.resolve({ status, headers, body: Buffer.concat(this.chunks) })
  }

  onError(error: UpstreamError): void {
    this.events.push('error')
    this.#settled.reject(error)
  }
}
