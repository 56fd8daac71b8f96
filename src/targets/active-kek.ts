import type { Db } from '#db/database.ts'
import type { Kek } from '#keks/kek.ts'
import type { TargetDeps } from './deps.ts'
import { TargetError } from './target-error.ts'

/**
 * The KEK that a credential is to be sealed under.
 * @throws {KekError} `kek_not_found`; {TargetError} `target_kek_not_active`
 */
export async function findActiveKek(deps: TargetDeps, db: Db, orgId: string, kekId: string): Promise<Kek> {
  const kek = await deps.findKek(db, deps.ring, orgId, kekId)
  if (kek.state !== 'active') {
    throw new TargetError(
      'target_kek_not_active',
      kek.state === 'pre-activation'
        ? 'This KEK is not verified yet: grant access, then verify it (hasp kek verify).'
        : `This KEK is ${kek.state}: nothing can be sealed under it.`,
    )
  }
  return kek
}
