import { randomFillSync } from 'node:crypto'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { deriveRecordKey, generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { openSecret } from '#envelope/open.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import type { KekProvider, KmsCall } from '#kms/kek-provider.ts'
import { newId } from '#db/ids.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { UnwrapIntent } from '#ledger/unwrap-intent.ts'
import type { Kek } from './kek.ts'
import type { UnwrapJournal } from './unwrap-journal.ts'

/** Bytes in a canary: as secret as noise, and as long as a real credential. */
const canaryBytes = 64

/** The context that a KEK's canary is sealed under; bound to the organisation like any record. */
export function canaryContext(kek: Pick<Kek, 'id' | 'orgId'>): EncryptionContext {
  return {
    org: kek.orgId,
    record: kek.id,
    purpose: 'canary',
    provider: 'none',
    environment: 'none',
    kek: kek.id,
    generation: 1,
  }
}

/** Seals noise under the KEK: from then on, whether it opens tells whether the KEK may be used. */
export async function sealCanary(
  kek: Kek,
  provider: KekProvider,
): Promise<{ canary: Buffer; wrap: KmsCall }> {
  const context = canaryContext(kek)
  using dek = generateDek()
  using noise = SecretBytes.alloc(canaryBytes)
  randomFillSync(noise.unsafeBytes())
  const wrap = await provider.wrap(dek, context)
  const canary = sealSecret({
    plaintext: noise,
    dek,
    wrapped: { ...wrap.wrappedDek, materialId: wrap.materialId },
    context,
  })
  return { canary, wrap }
}

/**
 * Unwraps and opens the canary.
 * @param requestReason the unwrap's id, as its intent has it
 * @throws {KekFault} as the KMS answers; {EnvelopeError} if what it unwraps is not what was sealed.
 */
export async function openCanary(
  kek: Kek,
  canary: Buffer,
  provider: KekProvider,
  requestReason?: string,
): Promise<KmsCall> {
  const envelope = decodeEnvelope(canary)
  const context = canaryContext(kek)
  const unwrap = await provider.unwrap(envelope.wrapped, context, { requestReason })
  using dek = unwrap.dek
  const recordKey = deriveRecordKey({ dek, envelope, context })
  openSecret(recordKey, envelope, context)[Symbol.dispose]()
  return unwrap
}

/** What is committed before an unwrap that no request asked for; `actor` where it is not the probe's. */
export function canaryIntent(kek: Pick<Kek, 'id' | 'orgId'>, actor?: string): UnwrapIntent {
  return {
    unwrapId: newId(),
    orgId: kek.orgId,
    epoch: null,
    kekId: kek.id,
    targetId: null,
    purpose: 'canary',
    generation: 1,
    mode: 'strict',
    ...(actor === undefined ? {} : { actor }),
  }
}

/** Runs an unwrap that no request asked for, with its record before it and what the KMS answered after it. */
export async function journalledUnwrap<Result extends KmsCall>(
  journal: UnwrapJournal,
  kek: Pick<Kek, 'id' | 'orgId'>,
  unwrap: (unwrapId: string) => Promise<Result>,
  actor?: string,
): Promise<Result> {
  const intent = canaryIntent(kek, actor)
  await journal.intend(intent)
  try {
    const unwrapped = await unwrap(intent.unwrapId)
    journal.completed(intent, unwrapped)
    return unwrapped
  } catch (error) {
    if (error instanceof KekFault) journal.refused(intent, error)
    throw error
  }
}
