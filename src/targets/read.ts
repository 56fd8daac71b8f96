import type { Database, Db } from '#db/database.ts'
import type { Judged } from '#integrity/assert-row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { findCredentials } from './credential-repository.ts'
import { findHealth } from './health-repository.ts'
import { findTarget, listTargets } from './repository.ts'
import type { Credential, Target, TargetHealth } from './target.ts'

type Deps = Readonly<{
  db: Database
  ring: SecretRing
  onTampered: (what: { orgId: string; table: string; id: string }) => void
}>

/** A target with what may be shown of it; nothing here asks the KMS. */
export type TargetDetails = Readonly<{
  target: Target
  credentials: readonly Credential[]
  /** Versions of its credential whose rows were tampered with: they exist, and are never opened. */
  tamperedGenerations: readonly number[]
  health: TargetHealth | undefined
}>

/** @throws {TargetError} `target_not_found` */
export async function readTarget(deps: Deps, orgId: string, targetId: string): Promise<TargetDetails> {
  return detailsOf(deps, deps.db.kysely, await findTarget(deps.db.kysely, deps.ring, orgId, targetId))
}

/** Up to `limit + 1` targets, so that the caller knows of a next page. */
export async function readTargets(
  deps: Deps,
  orgId: string,
  page: { afterId: string | undefined; limit: number; provider?: string | undefined },
): Promise<Judged<TargetDetails>[]> {
  const { kysely } = deps.db
  const judged = await listTargets(kysely, deps.ring, orgId, page)
  const targets = judged.flatMap(({ record }) => (record === null ? [] : [record]))
  const details = await addDetails(deps, kysely, orgId, targets)
  return judged.map(({ id }) => ({ id, record: details.get(id) ?? null }))
}

/** Adds to a target what a reader wants beside it. @param db the transaction that changed the target, where one did. */
export async function detailsOf(
  deps: Pick<Deps, 'ring' | 'onTampered'>,
  db: Db,
  target: Target,
): Promise<TargetDetails> {
  const details = (await addDetails(deps, db, target.orgId, [target])).get(target.id)
  if (details === undefined) throw new Error('The details of a target are missing.')
  return details
}

async function addDetails(
  deps: Pick<Deps, 'ring' | 'onTampered'>,
  db: Db,
  orgId: string,
  targets: readonly Target[],
): Promise<Map<string, TargetDetails>> {
  const ids = targets.map((target) => target.id)
  const tampered: { targetId: string; generation: number }[] = []
  const credentials = await findCredentials(db, deps.ring, orgId, ids, (version) => {
    deps.onTampered({ orgId, table: 'credentials', id: version.targetId })
    tampered.push(version)
  })
  const health = await findHealth(db, orgId, ids)
  const details = targets.map((target) => ({
    target,
    credentials: credentials.filter((credential) => credential.targetId === target.id),
    tamperedGenerations: tampered.flatMap((version) =>
      version.targetId === target.id ? [version.generation] : [],
    ),
    health: health.get(target.id),
  }))
  return new Map(details.map((each) => [each.target.id, each]))
}
