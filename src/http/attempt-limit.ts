import { LRUCache } from 'lru-cache'

/** Counts attempts by whoever makes them, and says when they are too many. In this process only. */
export class AttemptLimit {
  readonly #attemptsMax: number
  readonly #counts: LRUCache<string, { count: number }>

  constructor(options: { attemptsMax: number; windowMs: number; rememberedMax?: number }) {
    this.#attemptsMax = options.attemptsMax
    this.#counts = new LRUCache({ max: options.rememberedMax ?? 10_000, ttl: options.windowMs })
  }

  /** Counts one attempt. @returns false when it is one too many. The window begins with the first. */
  take(who: string): boolean {
    const counted = this.#counts.get(who)
    if (counted === undefined) this.#counts.set(who, { count: 1 })
    else counted.count += 1
    return (counted?.count ?? 1) <= this.#attemptsMax
  }
}
