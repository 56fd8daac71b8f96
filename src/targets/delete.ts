import { recordChange } from '#ledger/record-change.ts'
import type { TargetDeps } from './deps.ts'
import { eraseTarget, findTarget } from './repository.ts'

/**
 * Erases a target and every version of its credential for good. What backups of the database may still hold
 * stays sealed under the customer's KEK.
 * @throws {TargetError} `target_not_found`
 */
export async function deleteTarget(
  deps: Pick<TargetDeps, 'db' | 'ring' | 'now'>,
  input: { orgId: string; actor: string; targetId: string },
): Promise<void> {
  await deps.db.transaction(async (trx) => {
    const target = await findTarget(trx, deps.ring, input.orgId, input.targetId)
    await recordChange(trx, {
      orgId: input.orgId,
      kind: 'target.deleted',
      actor: input.actor,
      occurredAt: deps.now(),
      targetId: input.targetId,
      kekId: target.kekId,
      details: { name: target.name, provider: target.provider, generation: target.generation },
    })
    await eraseTarget(trx, input.orgId, input.targetId)
  })
}
