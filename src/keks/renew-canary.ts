import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { KekProviders } from './access.ts'
import { sealCanary } from './canary.ts'
import type { Kek } from './kek.ts'
import { findKek, replaceKek } from './repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; kekProviders: KekProviders }>

/**
 * Seals a new canary, so that the probe proves the material that now wraps and nothing needs the former one.
 * @throws {KekFault} as the KMS answers; {KekError} `kek_changed_meanwhile`.
 */
export async function renewCanary(deps: Deps, kek: Pick<Kek, 'id' | 'orgId'>): Promise<void> {
  const before = await findKek(deps.db.kysely, deps.ring, kek.orgId, kek.id)
  const { canary } = await sealCanary(before, deps.kekProviders.open(before))
  await replaceKek(deps.db.kysely, deps.ring, before, { ...before, canary })
}
