import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { recordChange } from '#ledger/record-change.ts'
import { findActiveKek } from './active-kek.ts'
import type { TargetDeps } from './deps.ts'
import { isPreview } from './preview.ts'
import { findTarget, insertCredential, recordVerification, replaceTarget } from './repository.ts'
import { sealCredential } from './seal-credential.ts'
import { accepted } from './store.ts'
import type { Credential, Target } from './target.ts'
import { TargetError } from './target-error.ts'
import { assertPlausible } from './validate-credential.ts'

/**
 * Puts a new credential version in use without a gap: requests under way end with the version they began with,
 * the next one takes the new. The former version stays, sealed, until it is retired.
 * @throws {TargetError}, {KekError}, {KekFault}
 */
export async function rotateCredential(
  deps: TargetDeps,
  input: { orgId: string; actor: string; targetId: string; credential: SecretBytes; isValidated: boolean },
): Promise<{ target: Target; credential: Credential }> {
  const before = await findTarget(deps.db.kysely, deps.ring, input.orgId, input.targetId)
  const provider = deps.findProvider(before.provider)
  if (provider === undefined)
    throw new TargetError(
      'target_provider_unknown',
      'The provider of this target is not known to this version of Hasp.',
    )
  assertPlausible(provider, input.credential, isPreview)
  const verification = input.isValidated
    ? await accepted(deps, provider, before.baseUrl, input.credential)
    : 'unchecked'
  const kek = await findActiveKek(deps, deps.db.kysely, input.orgId, before.kekId)

  const now = deps.now()
  const target: Target = { ...before, generation: before.generation + 1, updatedAt: now }
  const { credential, kmsRequestId } = await sealCredential({
    kek: deps.kekProviders.open(kek),
    target,
    credential: input.credential,
    now,
  })
  await deps.db.transaction(async (trx) => {
    await recordChange(trx, {
      orgId: target.orgId,
      kind: 'target.credential-rotated',
      actor: input.actor,
      occurredAt: now,
      targetId: target.id,
      kekId: kek.id,
      details: { generation: target.generation, verification, kmsRequestId },
    })
    await findActiveKek(deps, trx, input.orgId, kek.id)
    await replaceTarget(trx, deps.ring, before, target)
    await insertCredential(trx, deps.ring, credential)
    await recordVerification(trx, {
      orgId: target.orgId,
      targetId: target.id,
      at: now,
      verification,
      detail: null,
    })
  })
  return { target, credential }
}
