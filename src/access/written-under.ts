import type { Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { newestAdminTokens } from './admin-token-repository.ts'
import { newestVirtualKeys } from './virtual-key-repository.ts'

/** A root secret that was replaced long ago may have left older rows behind; the newest are of one that is in use. */
const judgedMax = 100

/**
 * Whether this database may be of a service that has this ring: of its newest tokens at least one carries the ring's
 * mac, or there are none yet. Under any other ring every row would pass for tampered with, and every token for unknown.
 */
export async function isWrittenUnder(db: Db, ring: SecretRing): Promise<boolean> {
  const judged = [
    ...(await newestAdminTokens(db, ring, judgedMax)),
    ...(await newestVirtualKeys(db, ring, judgedMax)),
  ]
  return judged.length === 0 || judged.some(({ record }) => record !== null)
}
