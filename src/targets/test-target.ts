import { newId } from '#db/ids.ts'
import { openSecret } from '#envelope/open.ts'
import type { RecordUnwrapper, SealedRecord } from '#keks/unwrap-record.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import { appendEntryUnder } from '#ledger/append.ts'
import { callIdsOf } from '#ledger/call-ids.ts'
import type { Provider } from '#providers/provider.ts'
import type { TargetDeps } from './deps.ts'
import { lendableTarget } from './lendable.ts'
import { findCredentials } from './credential-repository.ts'
import { recordVerification } from './health-repository.ts'
import { findTarget } from './repository.ts'
import type { Target } from './target.ts'
import { TargetError } from './target-error.ts'
import { validateCredential } from './validate-credential.ts'

type Deps = TargetDeps & Readonly<{ unwrapper: RecordUnwrapper }>
type TestTarget = Readonly<{ orgId: string; actor: string; targetId: string }>

/** What is to be opened, and where it is shown, as of one epoch of the organisation. */
type Decision = Readonly<{ epoch: string; target: Target; provider: Provider; record: SealedRecord }>

/** How often a test is decided anew when the organisation changes while it is carried out. */
const decisionsMax = 8

/**
 * Opens the stored credential and shows it to its provider: proves the whole way, KEK included. As with a proxied
 * call, the entry of the test commits under the epoch that the test was decided under, before the credential is
 * opened: a target deleted, a KEK suspended or an admin token revoked meanwhile makes the decision anew, on what holds
 * now.
 * @throws {TargetError}, {KekFault}, {KekError}; {LedgerError} `actor_gone`
 */
export async function testTarget(
  deps: Deps,
  input: TestTarget,
): Promise<{
  verification: 'accepted' | 'rejected'
  detail: string | null
  verifiedAt: string
  kmsRequestId: string
}> {
  const { orgId, targetId } = input
  for (let decisions = 0; decisions < decisionsMax; decisions += 1) {
    const { epoch, target, provider, record } = await decide(deps, input)
    const revocations = deps.unwrapper.revocationsOf(record.kek.id)
    const unwrapped = await deps.unwrapper.unwrap(record, epoch)
    if (unwrapped === 'stale') continue
    const { recordKey, use } = unwrapped
    const { unwrapId, kmsRequestId } = use
    const entry = {
      entryId: newId(),
      orgId,
      kind: 'target.tested',
      actor: input.actor,
      occurredAt: deps.now(),
      targetId,
      kekId: record.kek.id,
      details: { generation: target.generation, unwrapId, ...callIdsOf(use) },
    } as const
    if ((await appendEntryUnder(deps.db.kysely, entry, epoch)) === 'stale') continue
    // This node may know of a revocation that is not in the database yet.
    if (deps.unwrapper.revocationsOf(record.kek.id) !== revocations) continue

    using credential = openSecret(recordKey, record.envelope, record.context)
    const verdict = await validateCredential(deps.caller, provider, target.baseUrl, credential)
    const at = deps.now()
    await recordVerification(deps.db.kysely, { orgId, targetId, at, ...verdict })
    return { ...verdict, verifiedAt: at.toISOString(), kmsRequestId }
  }
  throw new TargetError(
    'target_changed_meanwhile',
    'Your organisation is being changed faster than this test could be carried out: test again.',
  )
}

/** Reads everything in one snapshot of the database. */
function decide(deps: Deps, { orgId, targetId }: TestTarget): Promise<Decision> {
  return deps.db.snapshot(async (trx) => {
    const epoch = await deps.readEpoch(trx, orgId)
    const target = await findTarget(trx, deps.ring, orgId, targetId)
    const provider = deps.findProvider(target.provider)
    const kek = await deps.findKek(trx, deps.ring, orgId, target.kekId)
    const versions = await findCredentials(trx, deps.ring, orgId, [targetId], ({ generation }) => {
      if (generation === target.generation) throw new IntegrityError('credentials')
    })
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
    return { epoch, target, provider, record }
  })
}
