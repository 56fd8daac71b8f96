import type { Db } from '#db/database.ts'
import type { Kek } from './kek.ts'
import { KekError } from './kek-error.ts'
import { isClaimedElsewhere } from './verification-repository.ts'

/**
 * The word that Hasp makes for a KEK and that only an owner of the key can place (trust policy, description, label,
 * tag). Public, but of use to nobody else: it stands for this one KEK of this one organisation, so that naming a
 * stranger's key gets nowhere.
 */
export function ownershipNonceOf(kek: Pick<Kek, 'id' | 'access'>): string {
  return kek.access.provider === 'aws' ? kek.access.externalId : nonceOfKek(kek.id)
}

/** {@link ownershipNonceOf} for clouds without an ExternalId: lower case, fit for labels, tags and names. */
export function nonceOfKek(kekId: string): string {
  return `hasp-${kekId}`
}

/**
 * One key serves one KEK of one organisation.
 * @throws {KekError} `kek_already_claimed`, without a word about whose it is.
 */
export async function requireUnclaimed(db: Db, kek: Kek): Promise<void> {
  if (!(await isClaimedElsewhere(db, kek))) return
  throw new KekError(
    'kek_already_claimed',
    'This key is in use as a KEK already. One key serves one KEK of one organisation.',
  )
}
