import type { BeforeCommit } from '#db/before-commit.ts'
import type { Db } from '#db/database.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { Kek } from '#keks/kek.ts'
import { callIdsOf } from '#ledger/call-ids.ts'
import { recordChange } from '#ledger/record-change.ts'
import { findActiveKek } from './active-kek.ts'
import type { TargetDeps } from './deps.ts'
import { insertCredential } from './credential-repository.ts'
import { recordVerification } from './health-repository.ts'
import { sealCredential } from './seal-credential.ts'
import type { Credential, Target } from './target.ts'

/** A target with the version of its credential that was just stored. */
export type StoredVersion = Readonly<{ target: Target; credential: Credential }>

type NewVersion = Readonly<{
  target: Target
  kek: Kek
  credential: SecretBytes
  verification: 'accepted' | 'unchecked'
  actor: string
  kind: 'target.stored' | 'target.credential-rotated'
  /** What the ledger tells beside generation, verification and the wrap. */
  details: Readonly<Record<string, string | readonly string[]>>
  /** Writes the target's own row. */
  writeTarget: (trx: Db) => Promise<void>
  beforeCommit: BeforeCommit<StoredVersion> | undefined
}>

/**
 * Seals a credential as the present version of `target`, then commits the rows, the ledger entry and the notice to
 * every node in one transaction. The KMS is asked before the transaction; that the KEK is still active is asked
 * again within it.
 * @throws {KekFault} as the KMS answers; {TargetError} `target_kek_not_active`, and what `writeTarget` throws.
 */
export async function commitVersion(deps: TargetDeps, version: NewVersion): Promise<StoredVersion> {
  const { target, kek, verification } = version
  const at = target.updatedAt
  const { credential, wrap } = await sealCredential({
    kek: deps.kekProviders.open(kek),
    target,
    credential: version.credential,
    now: at,
  })
  await deps.db.transaction(async (trx) => {
    await recordChange(trx, {
      orgId: target.orgId,
      kind: version.kind,
      actor: version.actor,
      occurredAt: deps.now(),
      targetId: target.id,
      kekId: kek.id,
      details: { ...version.details, generation: target.generation, verification, ...callIdsOf(wrap) },
    })
    await findActiveKek(deps, trx, target.orgId, kek.id)
    await version.writeTarget(trx)
    await insertCredential(trx, deps.ring, credential)
    const seen = { orgId: target.orgId, targetId: target.id, at, verification, detail: null }
    await recordVerification(trx, seen)
    await version.beforeCommit?.(trx, { target, credential })
  })
  return { target, credential }
}
