import { LRUCache } from 'lru-cache'
import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, tokenDigests } from '#integrity/token.ts'
import { findVirtualKeyByDigest } from './virtual-key-repository.ts'
import { statusOf, type VirtualKey } from './virtual-key.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/** A virtual key as of one epoch of its organisation, with its scope made ready for look-ups. */
export type Grant = Readonly<{
  virtualKey: VirtualKey
  epoch: string
  targetIds: ReadonlySet<string> | 'all'
}>

export type Authentication =
  | Readonly<{ outcome: 'granted'; grant: Grant }>
  | Readonly<{ outcome: 'unknown' | 'expired' | 'revoked' }>

const grantsMax = 100_000

/**
 * Finds the virtual key that a token stands for. Grants in hand are right for their epoch and never refreshed in
 * place; a receipt commits only under the present epoch, so an outdated grant lends nothing. Tokens are never
 * kept: a grant is found by the token's keyed digest.
 */
export class VirtualKeyDirectory {
  readonly #deps: Deps
  readonly #grants = new LRUCache<string, Grant>({ max: grantsMax })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * @param epochMin a grant of another epoch than this is read anew: the organisation's view was newer.
   * @throws {IntegrityError} when the stored virtual key was tampered with.
   */
  async authenticate(token: string, epochMin?: string): Promise<Authentication> {
    if (!isWellFormedToken('hasp_vk', token)) return { outcome: 'unknown' }
    const digests = tokenDigests(this.#deps.ring, token)
    const cacheId = digests[0]?.toString('latin1') ?? ''
    let grant = this.#grants.get(cacheId)
    if (grant === undefined || (epochMin !== undefined && grant.epoch !== epochMin)) {
      grant = await this.#read(digests)
      if (grant === undefined) return { outcome: 'unknown' }
      this.#grants.set(cacheId, grant)
    }
    const status = statusOf(grant.virtualKey, this.#deps.now())
    return status === 'active' ? { outcome: 'granted', grant } : { outcome: status }
  }

  forgetAll(): void {
    this.#grants.clear()
  }

  async #read(digests: Buffer[]): Promise<Grant | undefined> {
    const found = await findVirtualKeyByDigest(this.#deps.db.kysely, this.#deps.ring, digests)
    if (found === undefined) return undefined
    const { targetIds } = found.virtualKey
    return { ...found, targetIds: targetIds.length === 0 ? 'all' : new Set(targetIds) }
  }
}
