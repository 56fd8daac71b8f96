import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { appendEntry } from '#ledger/append.ts'
import { findHealth, recordVerification } from './repository.ts'

type Deps = Readonly<{ db: Database; now: () => Date }>

/**
 * The provider refused a credential in use: the target shows it, and the ledger says when it began. Further
 * refusals of a target that shows it already change nothing.
 */
export async function noteRejection(
  deps: Deps,
  rejected: { orgId: string; targetId: string; generation: number },
): Promise<void> {
  const { orgId, targetId, generation } = rejected
  const detail = `The provider answered 401 to credential version ${generation}.`
  await deps.db.transaction(async (trx) => {
    const health = (await findHealth(trx, orgId, [targetId])).get(targetId)
    if (health === undefined || (health.verification === 'rejected' && health.detail === detail)) return
    const at = deps.now()
    await recordVerification(trx, { orgId, targetId, at, verification: 'rejected', detail })
    await appendEntry(trx, {
      entryId: newId(),
      orgId,
      kind: 'target.credential-rejected',
      actor: 'proxy',
      occurredAt: at,
      targetId,
      details: { generation },
    })
  })
}
