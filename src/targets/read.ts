import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { findCredentials, findHealth, findTarget, listTargets } from './repository.ts'
import type { Credential, Target, TargetHealth } from './target.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing }>

/** A target with what may be shown of it; nothing here asks the KMS. */
export type TargetDetails = Readonly<{
  target: Target
  credentials: readonly Credential[]
  health: TargetHealth | undefined
}>

/** @throws {TargetError} `target_not_found` */
export async function readTarget(deps: Deps, orgId: string, targetId: string): Promise<TargetDetails> {
  return detailsOf(deps, orgId, await findTarget(deps.db.kysely, deps.ring, orgId, targetId))
}

/** Up to `limit + 1` targets, so that the caller knows of a next page. */
export async function readTargets(
  deps: Deps,
  orgId: string,
  page: { afterId: string | undefined; limit: number; provider?: string | undefined },
): Promise<TargetDetails[]> {
  const targets = await listTargets(deps.db.kysely, deps.ring, orgId, page)
  const ids = targets.map((target) => target.id)
  const [credentials, health] = await Promise.all([
    findCredentials(deps.db.kysely, deps.ring, orgId, ids),
    findHealth(deps.db.kysely, orgId, ids),
  ])
  return targets.map((target) => ({
    target,
    credentials: credentials.filter((credential) => credential.targetId === target.id),
    health: health.get(target.id),
  }))
}

/** Adds to a target what a reader wants beside it. */
export async function detailsOf(deps: Deps, orgId: string, target: Target): Promise<TargetDetails> {
  const [credentials, health] = await Promise.all([
    findCredentials(deps.db.kysely, deps.ring, orgId, [target.id]),
    findHealth(deps.db.kysely, orgId, [target.id]),
  ])
  return { target, credentials, health: health.get(target.id) }
}
