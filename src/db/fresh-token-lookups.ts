import { LRUCache } from 'lru-cache'
import { TokenLookups, type TokenQuery } from './token-lookups.ts'

type Options<Entity> = Readonly<{
  query: TokenQuery<Entity | 'tampered'>
  /** Whether it lets its holder in now. */
  isUsable: (entity: Entity) => boolean
  /** As {@link TokenLookups} has it. */
  strangersMax?: number
  /** How many tokens may be remembered as met; of each, its digest is. */
  metMax?: number
}>

/**
 * {@link TokenLookups} for tokens of which nothing is kept: the database is asked each time, so that a revocation holds
 * at once. Only that a token let its holder in when it was last looked up is remembered; it is then no stranger.
 */
export class FreshTokenLookups<Entity> {
  readonly #lookups: TokenLookups<Entity | 'tampered'>
  readonly #isUsable: (entity: Entity) => boolean
  readonly #met: LRUCache<string, true>

  constructor({ isUsable, metMax = 10_000, ...options }: Options<Entity>) {
    this.#lookups = new TokenLookups(options)
    this.#isUsable = isUsable
    this.#met = new LRUCache({ max: metMax })
  }

  /**
   * What a token opens; undefined for one that is unknown or not usable, `tampered` for a row that is not ours, `busy`
   * as {@link TokenLookups.find} says.
   * @param digests of one token, the current secret's first
   * @throws what the query does
   */
  async find(digests: readonly Buffer[]): Promise<Entity | 'tampered' | 'busy' | undefined> {
    const place = digests[0]?.toString('base64') ?? ''
    const lookup = await this.#lookups.find(digests, this.#met.has(place))
    if (lookup === 'busy') return 'busy'
    const { found } = lookup
    if (found !== undefined && found !== 'tampered' && this.#isUsable(found)) {
      this.#met.set(place, true)
      return found
    }
    this.#met.delete(place)
    return found === 'tampered' ? found : undefined
  }
}
