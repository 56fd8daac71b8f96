import type { BeforeCommit } from '#db/before-commit.ts'
import { newId } from '#db/ids.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { findActiveKek } from './active-kek.ts'
import { resolveBaseUrl } from './base-url.ts'
import { checkCredential } from './check-credential.ts'
import { commitVersion, type StoredVersion } from './commit-version.ts'
import type { TargetDeps } from './deps.ts'
import { insertTarget } from './repository.ts'
import { modelScope, type Target } from './target.ts'
import { TargetError } from './target-error.ts'

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
  beforeCommit?: BeforeCommit<StoredVersion>
}>

/**
 * Stores a target: check with the provider → DEK → wrap by the customer's KEK → seal → one transaction for the
 * rows, the ledger entry and the notice to every node. Does not dispose of `input.credential`.
 * @throws {TargetError}, {KekError} `kek_not_found`, {KekFault} as the KMS answers.
 */
export async function storeTarget(deps: TargetDeps, input: StoreTarget): Promise<StoredVersion> {
  const provider = deps.findProvider(input.provider)
  if (provider === undefined) {
    throw new TargetError(
      'target_provider_unknown',
      `There is no provider of that name; Hasp knows: ${deps.providerNames.join(', ')}.`,
    )
  }
  const baseUrl = resolveBaseUrl(provider, input.baseUrl, deps.allowedOrigins)
  const kek = await findActiveKek(deps, deps.db.kysely, input.orgId, input.kekId)
  const { credential, isValidated } = input
  const verification = await checkCredential(deps, provider, { baseUrl, credential, isValidated })

  const now = deps.now()
  const { orgId, name, environment, models } = input
  const target: Target = {
    id: newId(),
    orgId,
    name,
    provider: provider.name,
    environment,
    baseUrl,
    models,
    kekId: kek.id,
    generation: 1,
    createdAt: now,
    updatedAt: now,
  }
  return commitVersion(deps, {
    target,
    kek,
    credential,
    verification,
    actor: input.actor,
    kind: 'target.stored',
    details: { name, provider: provider.name, environment, baseUrl, models: modelScope(target) },
    writeTarget: (trx) => insertTarget(trx, deps.ring, target),
    beforeCommit: input.beforeCommit,
  })
}
