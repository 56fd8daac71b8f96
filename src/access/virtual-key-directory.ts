import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Database } from '#db/database.ts'
import { TokenLookups } from '#db/token-lookups.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, tokenDigests } from '#integrity/token.ts'
import { findVirtualKeysByDigest, type FoundVirtualKey } from './virtual-key-repository.ts'
import { statusOf, type VirtualKey } from './virtual-key.ts'

type Deps = Readonly<{
  db: Database
  ring: SecretRing
  now: () => Date
  /** A stored virtual key is not as this service wrote it. */
  onTampered: (what: { table: string }) => void
}>

/** A virtual key as of one epoch of its organisation, with its scope made ready for look-ups. */
export type Grant = Readonly<{
  virtualKey: VirtualKey
  epoch: string
  /** Before it was read, on the process's monotonic clock. */
  readAtMs: number
  targetIds: ReadonlySet<string> | 'all'
}>

export type Authentication =
  | Readonly<{ outcome: 'granted'; grant: Grant }>
  /** `busy`: too many look-ups are under way for this one. */
  | Readonly<{ outcome: 'unknown' | 'expired' | 'revoked' | 'tampered' | 'busy' }>

const grantsMax = 100_000

/**
 * Finds the virtual key that a token stands for. Grants in hand are right for their epoch and never refreshed in
 * place; a receipt commits only under the present epoch, so an outdated grant lends nothing. Tokens are never
 * kept: a grant in hand is found by a digest that only this process can make, at a fraction of the cost of the
 * HMAC under which the database knows the token.
 */
export class VirtualKeyDirectory {
  readonly #deps: Deps
  readonly #lookups: TokenLookups<FoundVirtualKey | 'tampered'>
  readonly #grants = new LRUCache<string, Grant>({ max: grantsMax })
  readonly #digestSecret = randomBytes(32).toString('base64')

  constructor(deps: Deps) {
    this.#deps = deps
    const { db, ring } = deps
    this.#lookups = new TokenLookups({
      query: (digests) => findVirtualKeysByDigest(db.kysely, ring, digests),
    })
  }

  /**
   * @param view what the grant must match: one of another epoch, or read before it, is read anew. Epochs alone do not
   *   tell, because whoever writes to the database can make one come twice.
   */
  async authenticate(token: string, view?: { epoch: string; readAtMs: number }): Promise<Authentication> {
    if (!isWellFormedToken('hasp_vk', token)) return { outcome: 'unknown' }
    const place = this.#placeOf(token)
    const held = this.#activeAt(place)
    if (held !== undefined && (view === undefined || isOf(held, view)))
      return { outcome: 'granted', grant: held }
    // Whoever is let in no more is a stranger: one revoked key must not go before all others, without a bound.
    const read = await this.#read(tokenDigests(this.#deps.ring, token), held !== undefined)
    if (typeof read === 'string') return { outcome: read }
    this.#grants.set(place, read)
    const status = statusOf(read.virtualKey, this.#deps.now())
    return status === 'active' ? { outcome: 'granted', grant: read } : { outcome: status }
  }

  /**
   * The grant of an active virtual key, if it is in hand. Nobody is refused for what a virtual key was (its expiry may
   * have been moved since): where there is none, {@link authenticate} decides.
   */
  grantInHand(token: string): Grant | undefined {
    return this.#activeAt(this.#placeOf(token))
  }

  #activeAt(place: string): Grant | undefined {
    const grant = this.#grants.get(place)
    return grant !== undefined && this.#isActive(grant) ? grant : undefined
  }

  #placeOf(token: string): string {
    return hash('sha256', this.#digestSecret + token, 'base64')
  }

  #isActive({ virtualKey }: Grant): boolean {
    return statusOf(virtualKey, this.#deps.now()) === 'active'
  }

  async #read(digests: Buffer[], isKnown: boolean): Promise<Grant | 'unknown' | 'tampered' | 'busy'> {
    const lookup = await this.#lookups.find(digests, isKnown)
    if (lookup === 'busy') return 'busy'
    const { found, readAtMs } = lookup
    if (found === undefined) return 'unknown'
    if (found === 'tampered') {
      this.#deps.onTampered({ table: 'virtual_keys' })
      return 'tampered'
    }
    const { targetIds } = found.virtualKey
    return { ...found, readAtMs, targetIds: targetIds.length === 0 ? 'all' : new Set(targetIds) }
  }
}

/** Whether the grant may be used together with what the organisation's view holds. */
function isOf(grant: Pick<Grant, 'epoch' | 'readAtMs'>, view: { epoch: string; readAtMs: number }): boolean {
  return grant.epoch === view.epoch && grant.readAtMs >= view.readAtMs
}
