import type { BeforeCommit } from '#db/before-commit.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { findActiveKek } from './active-kek.ts'
import { checkCredential } from './check-credential.ts'
import { commitVersion, type StoredVersion } from './commit-version.ts'
import type { TargetDeps } from './deps.ts'
import { findTarget, replaceTarget } from './repository.ts'
import { modelScope, type Target } from './target.ts'
import { TargetError } from './target-error.ts'
import type { TargetChanges } from './update.ts'

/**
 * Puts a new credential version in use without a gap: requests under way end with the version they began with,
 * the next one takes the new. The former version stays, sealed, until it is retired. `changes` take effect with it,
 * or not at all.
 * @throws {TargetError}, {KekError}, {KekFault}
 */
export async function rotateCredential(
  deps: TargetDeps,
  input: {
    orgId: string
    actor: string
    targetId: string
    credential: SecretBytes
    isValidated: boolean
    changes: TargetChanges
    beforeCommit?: BeforeCommit<StoredVersion>
  },
): Promise<StoredVersion> {
  const before = await findTarget(deps.db.kysely, deps.ring, input.orgId, input.targetId)
  const provider = deps.findProvider(before.provider)
  if (provider === undefined) {
    throw new TargetError(
      'target_provider_unknown',
      'The provider of this target is not known to this version of Hasp.',
    )
  }
  const kek = await findActiveKek(deps, deps.db.kysely, input.orgId, before.kekId)
  const { credential, isValidated } = input
  const { baseUrl } = before
  const verification = await checkCredential(deps, provider, { baseUrl, credential, isValidated })

  const target: Target = {
    ...before,
    ...input.changes,
    generation: before.generation + 1,
    updatedAt: deps.now(),
  }
  return commitVersion(deps, {
    target,
    kek,
    credential,
    verification,
    actor: input.actor,
    kind: 'target.credential-rotated',
    details: { name: target.name, models: modelScope(target) },
    writeTarget: (trx) => replaceTarget(trx, deps.ring, before, target),
    beforeCommit: input.beforeCommit,
  })
}
