import { newId } from '#db/ids.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { recordChange } from '#ledger/record-change.ts'
import { findActiveKek } from './active-kek.ts'
import { resolveBaseUrl } from './base-url.ts'
import type { TargetDeps } from './deps.ts'
import { isPreview } from './preview.ts'
import { insertCredential, insertTarget, recordVerification } from './repository.ts'
import { sealCredential } from './seal-credential.ts'
import type { Credential, Target } from './target.ts'
import { TargetError } from './target-error.ts'
import { assertPlausible, validateCredential } from './validate-credential.ts'

export type StoreTarget = Readonly<{
  orgId: string
  actor: string
  name: string
  provider: string
  environment: string
  baseUrl: string | undefined
  models: readonly string[]
  kekId: string
  credential: SecretBytes
  /** False stores a credential that its provider was never asked about; it is shown as unchecked. */
  isValidated: boolean
}>

/**
 * Stores a target: check with the provider → DEK → wrap by the customer's KEK → seal → one transaction for the
 * rows, the ledger entry and the notice to every node. Does not dispose of `input.credential`.
 * @throws {TargetError}, {KekError} `kek_not_found`, {KekFault} as the KMS answers.
 */
export async function storeTarget(
  deps: TargetDeps,
  input: StoreTarget,
): Promise<{ target: Target; credential: Credential }> {
  const provider = deps.findProvider(input.provider)
  if (provider === undefined) {
    throw new TargetError(
      'target_provider_unknown',
      `There is no provider of that name; Hasp knows: ${deps.providerNames.join(', ')}.`,
    )
  }
  assertPlausible(provider, input.credential, isPreview)
  const baseUrl = resolveBaseUrl(provider, input.baseUrl, deps.allowedOrigins)
  const kek = await findActiveKek(deps, deps.db.kysely, input.orgId, input.kekId)
  const verification = input.isValidated
    ? await accepted(deps, provider, baseUrl, input.credential)
    : 'unchecked'

  const now = deps.now()
  const target: Target = {
    id: newId(),
    orgId: input.orgId,
    name: input.name,
    provider: provider.name,
    environment: input.environment,
    baseUrl,
    models: input.models,
    kekId: kek.id,
    generation: 1,
    createdAt: now,
    updatedAt: now,
  }
  const { credential, kmsRequestId } = await sealCredential({
    kek: deps.kekProviders.open(kek),
    target,
    credential: input.credential,
    now,
  })
  await deps.db.transaction(async (trx) => {
    await recordChange(trx, {
      orgId: target.orgId,
      kind: 'target.stored',
      actor: input.actor,
      occurredAt: now,
      targetId: target.id,
      kekId: kek.id,
      details: {
        name: target.name,
        provider: target.provider,
        environment: target.environment,
        baseUrl,
        generation: 1,
        verification,
        kmsRequestId,
      },
    })
    await findActiveKek(deps, trx, input.orgId, kek.id)
    await insertTarget(trx, deps.ring, target)
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

/** @throws {TargetError} `credential_rejected_by_provider` */
export async function accepted(
  deps: TargetDeps,
  provider: NonNullable<ReturnType<TargetDeps['findProvider']>>,
  baseUrl: string,
  credential: SecretBytes,
): Promise<'accepted'> {
  const verdict = await validateCredential(deps.caller, provider, baseUrl, credential)
  if (verdict.verification === 'rejected') {
    throw new TargetError(
      'credential_rejected_by_provider',
      `The provider refuses this credential (${verdict.detail ?? 'no detail'}): nothing was stored.`,
    )
  }
  return 'accepted'
}
