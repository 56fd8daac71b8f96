import { Pool } from 'undici'
import { createConnector, type ConnectorOptions } from './guarded-connector.ts'
import { UpstreamError } from './upstream-error.ts'

/** The connections to one origin. */
export type OriginPool = { readonly origin: string; readonly pool: Pool; inFlight: number }

export type UpstreamPoolsOptions = ConnectorOptions & {
  readonly connectionsMax: number
  readonly originsMax: number
  readonly headersBytesMax: number
}

/** When the provider does not say how long it keeps an idle connection, it is closed after this. */
const KEEP_ALIVE_MS = 30_000
const KEEP_ALIVE_MS_MAX = 300_000

/** One pool for each origin, at most `originsMax` of them; the idle one that was used longest ago gives way. */
export class UpstreamPools {
  readonly #options: UpstreamPoolsOptions
  /** In the order of their last use. */
  readonly #pools = new Map<string, OriginPool>()
  #latest: OriginPool | null = null

  constructor(options: UpstreamPoolsOptions) {
    this.#options = options
  }

  /** @throws {UpstreamError} `address-refused` for what is no allowed origin, `connect-failed` when all are busy. */
  acquire(origin: string): OriginPool {
    if (this.#latest !== null && this.#latest.origin === origin) return this.#latest
    const known = this.#pools.get(origin)
    if (known !== undefined) this.#pools.delete(origin)
    const entry = known ?? this.#open(origin)
    this.#pools.set(origin, entry)
    this.#latest = entry
    return entry
  }

  /** Cuts every connection; what is under way fails with `aborted`. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.destroy()))
  }

  #open(origin: string): OriginPool {
    const canonical = parseOrigin(origin)
    if (canonical === null || !this.#options.guard.isOriginAllowed(canonical)) {
      throw new UpstreamError('address-refused')
    }
    if (this.#pools.size >= this.#options.originsMax) this.#closeOldestIdle()
    const pool = new Pool(canonical, {
      connect: createConnector(canonical, this.#options),
      connections: this.#options.connectionsMax,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: this.#options.headersBytesMax,
      maxResponseSize: -1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS_MAX,
    })
    return { origin, pool, inFlight: 0 }
  }

  #closeOldestIdle(): void {
    for (const entry of this.#pools.values()) {
      if (entry.inFlight > 0) continue
      this.#pools.delete(entry.origin)
      if (this.#latest === entry) this.#latest = null
      // Idle, so this only closes sockets; a failure to do so concerns nobody.
      entry.pool.close().catch(() => undefined)
      return
    }
    throw new UpstreamError('connect-failed')
  }
}

/** The origin as URL writes it; null for whatever is more or less than an http(s) origin. */
function parseOrigin(text: string): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  const isBare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  return isBare && url.password === '' && /^https?:$/.test(url.protocol) ? url.origin : null
}
