import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Database } from '#db/database.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, tokenDigests } from '#integrity/token.ts'
import { findVirtualKeyByDigest } from './virtual-key-repository.ts'
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
  /** When it was asked for, on the process's monotonic clock. */
  readAtMs: number
  targetIds: ReadonlySet<string> | 'all'
}>

export type Authentication =
  | Readonly<{ outcome: 'granted'; grant: Grant }>
  | Readonly<{ outcome: 'unknown' | 'expired' | 'revoked' | 'tampered' }>

const grantsMax = 100_000

/**
 * Finds the virtual key that a token stands for. Grants in hand are right for their epoch and never refreshed in
 * place; a receipt commits only under the present epoch, so an outdated grant lends nothing. Tokens are never
 * kept: a grant in hand is found by a digest that only this process can make, at a fraction of the cost of the
 * HMAC under which the database knows the token.
 */
export class VirtualKeyDirectory {
  readonly #deps: Deps
  readonly #grants = new LRUCache<string, Grant>({ max: grantsMax })
  readonly #digestSecret = randomBytes(32).toString('base64')

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * @param view what the grant must match: one of another epoch, or read before it, is read anew. Epochs alone do not
   *   tell, because whoever writes to the database can make one come twice.
   */
  async authenticate(token: string, view?: { epoch: string; readAtMs: number }): Promise<Authentication> {
    if (!isWellFormedToken('hasp_vk', token)) return { outcome: 'unknown' }
    const held = this.grantInHand(token)
    if (held !== undefined && (view === undefined || isOf(held, view)))
      return { outcome: 'granted', grant: held }
    const read = await this.#read(tokenDigests(this.#deps.ring, token))
    if (typeof read === 'string') return { outcome: read }
    this.#grants.set(this.#placeOf(token), read)
    const status = statusOf(read.virtualKey, this.#deps.now())
    return status === 'active' ? { outcome: 'granted', grant: read } : { outcome: status }
  }

  /**
   * The grant of an active virtual key, if it is in hand. Nobody is refused for what a virtual key was (its expiry may
   * have been moved since): where there is none, {@link authenticate} decides.
   */
  grantInHand(token: string): Grant | undefined {
    const grant = this.#grants.get(this.#placeOf(token))
    return grant !== undefined && this.#isActive(grant) ? grant : undefined
  }

  #placeOf(token: string): string {
    return hash('sha256', this.#digestSecret + token, 'base64')
  }

  #isActive({ virtualKey }: Grant): boolean {
    return statusOf(virtualKey, this.#deps.now()) === 'active'
  }

  async #read(digests: Buffer[]): Promise<Grant | 'unknown' | 'tampered'> {
    const readAtMs = performance.now()
    try {
      const found = await findVirtualKeyByDigest(this.#deps.db.kysely, this.#deps.ring, digests)
      if (found === undefined) return 'unknown'
      const { targetIds } = found.virtualKey
      return { ...found, readAtMs, targetIds: targetIds.length === 0 ? 'all' : new Set(targetIds) }
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error
      this.#deps.onTampered({ table: error.table })
      return 'tampered'
    }
  }
}

/** Whether the grant may be used together with what the organisation's view holds. */
function isOf(grant: Pick<Grant, 'epoch' | 'readAtMs'>, view: { epoch: string; readAtMs: number }): boolean {
  return grant.epoch === view.epoch && grant.readAtMs >= view.readAtMs
}
