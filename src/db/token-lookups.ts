/** What the database holds of these digests, by digest in base64; all in one query. */
export type TokenQuery<Found> = (digests: Buffer[]) => Promise<ReadonlyMap<string, Found>>

type Options<Found> = Readonly<{
  query: TokenQuery<Found>
  /** How many look-ups of tokens that this node has not met may wait before further ones are refused. */
  strangersMax?: number
  /** How long a query may take before all who wait for it are refused. */
  timeoutMs?: number
}>

/** `readAtMs`: before the database was asked, on the process's monotonic clock. */
export type Lookup<Found> = Readonly<{ found: Found | undefined; readAtMs: number }> | 'busy'

type Waiting<Found> = { digests: readonly Buffer[]; resolvers: PromiseWithResolvers<Lookup<Found>>[] }

const queriesMax = 2
/** How long a query is waited for; its connection and its server should give it up by then, or further ones pile up. */
export const lookupTimeoutMs = 5_000
const tokensPerQueryMax = 256

/**
 * Looks tokens up in the database, many in one query. Anybody can send tokens that nobody issued, and none of them can
 * be refused unasked: so all of them together have {@link queriesMax} of the database's connections, and a queue with
 * an end. Tokens that this node has met go first and are never refused: strangers keep nobody from working.
 */
export class TokenLookups<Found> {
  readonly #query: TokenQuery<Found>
  readonly #strangersMax: number
  readonly #timeoutMs: number
  readonly #known = new Map<string, Waiting<Found>>()
  readonly #strangers = new Map<string, Waiting<Found>>()
  #strangersWaiting = 0
  #queries = 0
  #isScheduled = false

  constructor(options: Options<Found>) {
    this.#query = options.query
    this.#strangersMax = options.strangersMax ?? 2_000
    this.#timeoutMs = options.timeoutMs ?? lookupTimeoutMs
  }

  /**
   * What the database holds now, or `busy` when too many wait already or it does not answer in time.
   * @param digests of one token, the current secret's first
   * @throws what the query does
   */
  find(digests: readonly Buffer[], isKnown: boolean): Promise<Lookup<Found>> {
    if (!isKnown) {
      if (this.#strangersWaiting >= this.#strangersMax) return Promise.resolve('busy')
      this.#strangersWaiting += 1
    }
    const resolvers = Promise.withResolvers<Lookup<Found>>()
    const queue = isKnown ? this.#known : this.#strangers
    const token = placeOf(digests[0])
    const waiting = queue.get(token)
    if (waiting === undefined) queue.set(token, { digests, resolvers: [resolvers] })
    else waiting.resolvers.push(resolvers)
    this.#schedule()
    return resolvers.promise
  }

  /** At the end of this turn of the event loop, so that what came in the same turn shares a query. */
  #schedule(): void {
    const isIdle = this.#known.size === 0 && this.#strangers.size === 0
    if (isIdle || this.#isScheduled || this.#queries >= queriesMax) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      void this.#ask()
    })
  }

  async #ask(): Promise<void> {
    const batch = this.#take()
    this.#queries += 1
    this.#schedule()
    try {
      await this.#answer(batch)
    } catch (error) {
      for (const { resolvers } of batch) for (const { reject } of resolvers) reject(error)
    } finally {
      this.#queries -= 1
      this.#schedule()
    }
  }

  #take(): Waiting<Found>[] {
    const batch: Waiting<Found>[] = []
    for (const queue of [this.#known, this.#strangers]) {
      for (const [token, waiting] of queue) {
        if (batch.length === tokensPerQueryMax) return batch
        queue.delete(token)
        batch.push(waiting)
        if (queue === this.#strangers) this.#strangersWaiting -= waiting.resolvers.length
      }
    }
    return batch
  }

  async #answer(batch: Waiting<Found>[]): Promise<void> {
    const readAtMs = performance.now()
    const digests = batch.flatMap((waiting) => waiting.digests)
    const rows = await within(this.#timeoutMs, this.#query(digests))
    for (const { digests: own, resolvers } of batch) {
      const place = own.map(placeOf).find((digest) => rows?.has(digest) === true)
      const found = place === undefined ? undefined : rows?.get(place)
      for (const { resolve } of resolvers) resolve(rows === undefined ? 'busy' : { found, readAtMs })
    }
  }
}

function placeOf(digest: Buffer | undefined): string {
  return digest?.toString('base64') ?? ''
}

/** Undefined where `query` takes longer; it then ends unheard. */
async function within<Result>(timeoutMs: number, query: Promise<Result>): Promise<Result | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), timeoutMs)
  try {
    return await Promise.race([query, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
