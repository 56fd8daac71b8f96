import { newId } from '#db/ids.ts'
import { openSecret } from '#envelope/open.ts'
import type { RecordUnwrapper } from '#keks/unwrap-record.ts'
import { appendEntry } from '#ledger/append.ts'
import type { TargetDeps } from './deps.ts'
import { lendableTarget } from './lendable.ts'
import { findCredentials, findTarget, recordVerification } from './repository.ts'
import { TargetError } from './target-error.ts'
import { validateCredential } from './validate-credential.ts'

type Deps = TargetDeps & Readonly<{ unwrapper: RecordUnwrapper }>

/**
 * Opens the stored credential and shows it to its provider: proves the whole way, KEK included. The unwrap and the
 * test are in the ledger before the credential leaves the process.
 * @throws {TargetError}, {KekFault}, {KekError}
 */
export async function testTarget(
  deps: Deps,
  input: { orgId: string; actor: string; targetId: string },
): Promise<{
  verification: 'accepted' | 'rejected'
  detail: string | null
  verifiedAt: string
  kmsRequestId: string
}> {
  const { orgId, targetId } = input
  const epoch = await deps.readEpoch(deps.db.kysely, orgId)
  const target = await findTarget(deps.db.kysely, deps.ring, orgId, targetId)
  const provider = deps.findProvider(target.provider)
  const kek = await deps.findKek(deps.db.kysely, deps.ring, orgId, target.kekId)
  const versions = await findCredentials(deps.db.kysely, deps.ring, orgId, [targetId])
  const current = versions.find((version) => version.generation === target.generation)
  if (provider === undefined || current === undefined) {
    throw new TargetError(
      'credential_version_not_found',
      'This target has no credential that this version of Hasp can use: set a new one.',
    )
  }
  if (kek.state !== 'active')
    throw new TargetError('target_kek_not_active', `The KEK of this target is ${kek.state}.`)

  const { record } = lendableTarget(target, current, { ...kek, unwrapMode: 'strict' })
  const unwrapped = await deps.unwrapper.unwrap(record, epoch)
  if (unwrapped === 'stale') {
    throw new TargetError(
      'target_changed_meanwhile',
      'Your organisation was changed at the same time: test again.',
    )
  }
  const { recordKey, use } = unwrapped
  await appendEntry(deps.db.kysely, {
    entryId: newId(),
    orgId,
    kind: 'target.tested',
    actor: input.actor,
    occurredAt: deps.now(),
    targetId,
    kekId: kek.id,
    details: { generation: target.generation, unwrapId: use.unwrapId, kmsRequestId: use.kmsRequestId },
  })
  using credential = openSecret(recordKey, record.envelope, record.context)
  const verdict = await validateCredential(deps.caller, provider, target.baseUrl, credential)
  const at = deps.now()
  await recordVerification(deps.db.kysely, { orgId, targetId, at, ...verdict })
  return { ...verdict, verifiedAt: at.toISOString(), kmsRequestId: use.kmsRequestId }
}
