import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { KekProvider, KmsCall } from '#kms/kek-provider.ts'
import { previewOf } from './preview.ts'
import type { Credential, Target } from './target.ts'

/** The context that a target's credential is bound to; rebuilt from the target's row each time it is read. */
export function credentialContext(
  target: Pick<Target, 'id' | 'orgId' | 'provider' | 'environment'>,
  version: { kekId: string; generation: number },
): EncryptionContext {
  return {
    org: target.orgId,
    record: target.id,
    purpose: 'credential',
    provider: target.provider,
    environment: target.environment,
    kek: version.kekId,
    generation: version.generation,
  }
}

/**
 * Seals one credential version under a DEK of its own, wrapped by the customer's KEK. Runs before any
 * transaction: it waits for the KMS.
 * @throws {KekFault} as the KMS answers.
 */
export async function sealCredential(input: {
  kek: KekProvider
  target: Pick<Target, 'id' | 'orgId' | 'provider' | 'environment' | 'kekId' | 'generation'>
  credential: SecretBytes
  now: Date
}): Promise<{ credential: Credential; wrap: KmsCall }> {
  const { target, credential } = input
  const context = credentialContext(target, target)
  using dek = generateDek()
  const wrap = await input.kek.wrap(dek, context)
  const sealed = sealSecret({
    plaintext: credential,
    dek,
    wrapped: { ...wrap.wrappedDek, materialId: wrap.materialId },
    context,
  })
  return {
    credential: {
      targetId: target.id,
      orgId: target.orgId,
      generation: target.generation,
      kekId: target.kekId,
      preview: previewOf(credential),
      sealed,
      createdAt: input.now,
      wrappedAt: input.now,
      dekCreatedAt: input.now,
    },
    wrap,
  }
}
