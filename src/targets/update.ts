import type { BeforeCommit } from '#db/before-commit.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { TargetDeps } from './deps.ts'
import { findTarget, replaceTarget } from './repository.ts'
import { modelScope, type Target } from './target.ts'

/** What of a target may change while it is in use. */
export type TargetChanges = Readonly<{ name?: string; models?: readonly string[] }>

/**
 * Changes what a target is called and which models it serves. What the credential is bound to (provider,
 * environment, endpoint, KEK) does not change under it: store another target for that.
 * @throws {TargetError} `target_not_found`, `target_name_taken`, `target_changed_meanwhile`
 */
export async function updateTarget(
  deps: Pick<TargetDeps, 'db' | 'ring' | 'now'>,
  input: {
    orgId: string
    actor: string
    targetId: string
    changes: TargetChanges
    beforeCommit?: BeforeCommit<Target>
  },
): Promise<Target> {
  return deps.db.transaction(async (trx) => {
    const now = deps.now()
    const before = await findTarget(trx, deps.ring, input.orgId, input.targetId)
    const after: Target = { ...before, ...input.changes, updatedAt: now }
    await recordChange(trx, {
      orgId: input.orgId,
      kind: 'target.updated',
      actor: input.actor,
      occurredAt: now,
      targetId: input.targetId,
      details: { name: after.name, models: modelScope(after) },
    })
    await replaceTarget(trx, deps.ring, before, after)
    await input.beforeCommit?.(trx, after)
    return after
  })
}
