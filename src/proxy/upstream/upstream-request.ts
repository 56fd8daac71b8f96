import type { UpstreamError } from './upstream-error.ts'

/** How a credential reaches the socket: never as a value, only as a function that writes its bytes in place. */
export type UpstreamCredential = {
  /** Such as `authorization` or `x-api-key`. */
  readonly headerName: string
  /** What stands before the credential, such as `Bearer `; may be empty. */
  readonly prefix: string
  /** The most bytes that `openInto` may write. */
  readonly lengthMax: number
  /**
   * Decrypts the credential into `out` from `offset` on and returns its length in bytes. Called at most once, in
   * the same turn in which the bytes are handed to the socket; it must not keep `out`. If it throws, nothing is
   * sent and the exchange fails with `credential-unavailable`.
   */
  openInto(out: Buffer, offset: number): number
}

export type UpstreamRequest = {
  /** `https://host` or `https://host:port`, without a path. */
  readonly origin: string
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Flat: name, value, name, value, … without the credential, `host`, `connection` or `content-length`. */
  readonly headers: readonly string[]
  readonly credential: UpstreamCredential
  readonly body: Buffer | null
  /** From the last byte of the request to the last header of the reply. */
  readonly headersTimeoutMs: number
  /** The longest silence within the reply's body; time spent paused does not count. */
  readonly bodyTimeoutMs: number
}

/** By name in lower case; one that came in several lines has a value for each. Values are Latin-1 (RFC 9110 §5.5). */
export type ReplyHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Who receives the reply. No method is called before `send` has returned, and after `onEnd` or `onError`
 * (exactly one of them, once) none is called again.
 */
export type ReplySink = {
  /** The final status; 1xx replies are passed over. */
  onHeaders(status: number, headers: ReplyHeaders): void
  /** Returns false to pause the reply until {@link UpstreamExchange.resume}. */
  onData(chunk: Buffer): boolean
  /** The reply is complete; its trailers are passed over. */
  onEnd(): void
  onError(error: UpstreamError): void
}

/** The caller's hand on a request that is under way. */
export type UpstreamExchange = {
  /** Whether the credential was handed to the socket: from then on the provider may have seen it. */
  readonly isCredentialSent: boolean
  /** Ends the exchange now with `aborted`; nothing happens when it has already ended. No credential leaves after it. */
  abort(): void
  /**
   * Calls back, at once or later, when the socket holds nothing of the body: it was written, or never will be. A
   * provider may answer to the end without having read it.
   */
  whenBodyLeft(onLeft: () => void): void
  /** Lets a paused reply go on. */
  resume(): void
}
