import type { Database } from '#db/database.ts'
import { FreshTokenLookups } from '#db/fresh-token-lookups.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, tokenDigests } from '#integrity/token.ts'
import { KekError } from './kek-error.ts'
import { findLinksByDigest } from './onboarding-link-repository.ts'
import type { OnboardingLink } from './onboarding-link.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/**
 * Finds the link that a token opens. Always asks the database, so that a link that is taken back ends at once on every
 * node; what strangers may make it ask is bounded.
 */
export class OnboardingLinkDirectory {
  readonly #ring: SecretRing
  readonly #lookups: FreshTokenLookups<OnboardingLink>

  constructor({ db, ring, now }: Deps) {
    this.#ring = ring
    this.#lookups = new FreshTokenLookups({
      query: (digests) => findLinksByDigest(db.kysely, ring, digests),
      isUsable: (link) => isUsable(link, now()),
    })
  }

  /**
   * Undefined for a link that is unknown, expired or revoked.
   * @throws {KekError} `onboarding_link_busy` where more are looked up than may be, for one that this node has not met;
   *   {IntegrityError} for a row that is not ours.
   */
  async open(token: string): Promise<OnboardingLink | undefined> {
    if (!isWellFormedToken('hasp_link', token)) return undefined
    const link = await this.#lookups.find(tokenDigests(this.#ring, token))
    if (link === 'tampered') throw new IntegrityError('onboarding_links')
    if (link === 'busy') {
      throw new KekError(
        'onboarding_link_busy',
        'More links that this Hasp node has not met yet are being looked up than it may, or the database is slow to tell. Try again shortly.',
      )
    }
    return link
  }
}

function isUsable({ revokedAt, expiresAt }: OnboardingLink, now: Date): boolean {
  return revokedAt === null && expiresAt > now
}
