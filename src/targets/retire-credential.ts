import type { BeforeCommit } from '#db/before-commit.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { TargetDeps } from './deps.ts'
import { eraseCredential } from './credential-repository.ts'
import { findTarget } from './repository.ts'
import { TargetError } from './target-error.ts'

/**
 * Erases a former version of a target's credential, wrapped DEK and all: it can never be opened again.
 * @throws {TargetError} `credential_version_in_use`, `credential_version_not_found`, `target_not_found`
 */
export async function retireCredential(
  deps: Pick<TargetDeps, 'db' | 'ring' | 'now'>,
  input: {
    orgId: string
    actor: string
    targetId: string
    generation: number
    beforeCommit?: BeforeCommit<void>
  },
): Promise<void> {
  await deps.db.transaction(async (trx) => {
    const target = await findTarget(trx, deps.ring, input.orgId, input.targetId)
    if (target.generation === input.generation) {
      throw new TargetError(
        'credential_version_in_use',
        'This version is in use: rotate to a new one first, or delete the target.',
      )
    }
    await recordChange(trx, {
      orgId: input.orgId,
      kind: 'target.credential-retired',
      actor: input.actor,
      occurredAt: deps.now(),
      targetId: input.targetId,
      details: { generation: input.generation },
    })
    if (!(await eraseCredential(trx, input.orgId, input.targetId, input.generation))) {
      throw new TargetError('credential_version_not_found', 'This target has no such credential version.')
    }
    await input.beforeCommit?.(trx)
  })
}
