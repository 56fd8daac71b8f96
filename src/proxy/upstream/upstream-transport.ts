import { AddressGuard } from './address-guard.ts'
import { CredentialSlots } from './credential-slots.ts'
import { DispatchedExchange } from './dispatched-exchange.ts'
import type { ResolveAll } from './guarded-connector.ts'
import { allocateOutgoing, type AllocateOutgoing } from './outgoing-bytes.ts'
import { UpstreamPools } from './upstream-pools.ts'
import type { ReplySink, UpstreamExchange, UpstreamRequest } from './upstream-request.ts'

export type UpstreamTransportOptions = {
  /** Origins that may have a private address or plain HTTP; for every other both are refused. */
  readonly allowedOrigins?: Iterable<string>
  /** PEM certificates trusted instead of the system's. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  /** Default 5000. */
  readonly connectTimeoutMs?: number
  /** Open at once to one origin; further requests wait. Default 4096, so that slow streams hold up nobody. */
  readonly connectionsMax?: number
  /** Default 256. */
  readonly originsMax?: number
  /** Of a reply's head. Default 32 KiB. */
  readonly headersBytesMax?: number
}

/** What tests replace. */
export type UpstreamTransportDeps = { readonly allocate?: AllocateOutgoing; readonly resolveAll?: ResolveAll }

/**
 * Sends requests to providers, each with a credential that becomes plaintext only in the Buffer that is handed
 * to the socket, and only for the time of that write. Follows no redirect and repeats no request that was
 * written. Disposing of it cuts what is under way.
 */
export class UpstreamTransport implements AsyncDisposable {
  readonly #slots = new CredentialSlots()
  readonly #pools: UpstreamPools

  constructor(options: UpstreamTransportOptions = {}, deps: UpstreamTransportDeps = {}) {
    const { connectTimeoutMs = 5000, connectionsMax = 4096, originsMax = 256 } = options
    this.#pools = new UpstreamPools({
      guard: new AddressGuard(options.allowedOrigins ?? []),
      writer: { slots: this.#slots, allocate: deps.allocate ?? allocateOutgoing },
      connectTimeoutMs,
      connectionsMax,
      originsMax,
      headersBytesMax: options.headersBytesMax ?? 32 * 1024,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(deps.resolveAll === undefined ? {} : { resolveAll: deps.resolveAll }),
    })
  }

  /** How many requests have not been written yet: their credentials are still sealed. */
  get unsentCount(): number {
    return this.#slots.size
  }

  /** Starts the exchange; every failure, at once or later, goes to `reply.onError`. */
  send(request: UpstreamRequest, reply: ReplySink): UpstreamExchange {
    const exchange = new DispatchedExchange(request.credential, reply, this.#slots)
    try {
      exchange.dispatch(this.#pools.acquire(request.origin), request)
    } catch (error) {
      exchange.refuse(error)
    }
    return exchange
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pools.destroy()
  }
}
