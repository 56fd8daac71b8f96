import type { BeforeCommit } from '#db/before-commit.ts'
import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { mintToken, tokenDigests } from '#integrity/token.ts'
import { appendEntry } from '#ledger/append.ts'
import { lockOrganisation } from '#ledger/lock-organisation.ts'
import { isOutOfUse } from './kek.ts'
import { KekError } from './kek-error.ts'
import { insertLink, lockLink, replaceLink } from './onboarding-link-repository.ts'
import { findKek } from './repository.ts'

const prefix = 'hasp_link'

/**
 * A way in for whoever grants on the customer's side, without an account of Hasp: shows what to grant for one KEK, and
 * lets them have it verified. Whoever holds the link can do that and nothing else.
 */
export type OnboardingLink = Readonly<{
  id: string
  orgId: string
  kekId: string
  digest: Buffer
  hint: string
  createdAt: Date
  expiresAt: Date
  revokedAt: Date | null
}>

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

export type IssuedLink = Readonly<{ link: OnboardingLink; token: string }>

/**
 * Makes a link for one KEK. The token is in the answer and nowhere else.
 * @throws {KekError} `kek_not_found`; `kek_not_active` where the KEK is out of use for good.
 */
export async function issueOnboardingLink(
  deps: Deps,
  input: {
    orgId: string
    kekId: string
    actor: string
    expiresAt: Date
    beforeCommit?: BeforeCommit<IssuedLink>
  },
): Promise<IssuedLink> {
  const { token, hint } = mintToken(prefix)
  const [digest] = tokenDigests(deps.ring, token)
  if (digest === undefined) throw new Error('The secret ring has no current secret.')
  return deps.db.transaction(async (trx) => {
    const kek = await findKek(trx, deps.ring, input.orgId, input.kekId)
    if (isOutOfUse(kek.state))
      throw new KekError('kek_not_active', `The KEK is ${kek.state} for good: there is nothing to grant.`)
    const now = deps.now()
    const link: OnboardingLink = {
      id: newId(),
      orgId: kek.orgId,
      kekId: kek.id,
      digest,
      hint,
      createdAt: now,
      expiresAt: input.expiresAt,
      revokedAt: null,
    }
    await insertLink(trx, deps.ring, link)
    await appendEntry(trx, {
      entryId: newId(),
      orgId: kek.orgId,
      kind: 'kek.link-issued',
      actor: input.actor,
      occurredAt: now,
      kekId: kek.id,
      details: { linkId: link.id, expiresAt: link.expiresAt.toISOString() },
    })
    await input.beforeCommit?.(trx, { link, token })
    return { link, token }
  })
}

/** Ends a link at once; one that has ended already stays as it is. @throws {KekError} `onboarding_link_not_found`. */
export async function revokeOnboardingLink(
  deps: Deps,
  input: {
    orgId: string
    kekId: string
    linkId: string
    actor: string
    beforeCommit?: BeforeCommit<OnboardingLink>
  },
): Promise<OnboardingLink> {
  return deps.db.transaction(async (trx) => {
    await lockOrganisation(trx, input.orgId)
    const before = await lockLink(trx, deps.ring, input)
    if (before === undefined)
      throw new KekError('onboarding_link_not_found', 'This KEK has no onboarding link with this id.')
    if (before.revokedAt !== null) return before
    const now = deps.now()
    const after: OnboardingLink = { ...before, revokedAt: now }
    await replaceLink(trx, deps.ring, after)
    await appendEntry(trx, {
      entryId: newId(),
      orgId: input.orgId,
      kind: 'kek.link-revoked',
      actor: input.actor,
      occurredAt: now,
      kekId: before.kekId,
      details: { linkId: before.id },
    })
    await input.beforeCommit?.(trx, after)
    return after
  })
}

/** How the ledger names whoever holds a link. */
export function linkActor(link: Pick<OnboardingLink, 'id'>): string {
  return `onboarding-link:${link.id}`
}
