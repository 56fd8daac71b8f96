import type { BeforeCommit } from '#db/before-commit.ts'
import type { Db } from '#db/database.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { TargetDeps } from './deps.ts'
import { eraseTarget, findTarget } from './repository.ts'
import type { Target } from './target.ts'

type Deps = Pick<TargetDeps, 'db' | 'ring' | 'now'>

/**
 * Erases a target and every version of its credential for good; also one whose row was tampered with, of which the
 * ledger then tells nothing but the id. What backups of the database may still hold stays sealed under the customer's
 * KEK.
 * @throws {TargetError} `target_not_found`
 */
export async function deleteTarget(
  deps: Deps,
  input: { orgId: string; actor: string; targetId: string; beforeCommit?: BeforeCommit<void> },
): Promise<void> {
  await deps.db.transaction(async (trx) => {
    const { orgId, actor, targetId } = input
    const target = await findUnlessTampered(trx, deps, orgId, targetId)
    const entry = { orgId, kind: 'target.deleted', actor, occurredAt: deps.now(), targetId } as const
    if (target === null) await recordChange(trx, { ...entry, details: { isTampered: true } })
    else {
      const { kekId, name, provider, generation } = target
      await recordChange(trx, { ...entry, kekId, details: { name, provider, generation } })
    }
    await eraseTarget(trx, orgId, targetId)
    await input.beforeCommit?.(trx)
  })
}

async function findUnlessTampered(
  trx: Db,
  deps: Deps,
  orgId: string,
  targetId: string,
): Promise<Target | null> {
  try {
    return await findTarget(trx, deps.ring, orgId, targetId)
  } catch (error) {
    if (error instanceof IntegrityError) return null
    throw error
  }
}
