import type { Database, Db } from '#db/database.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { openSecret } from '#envelope/open.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { canaryContext } from '#keks/canary.ts'
import type { Kek } from '#keks/kek.ts'
import { findKek } from '#keks/repository.ts'
import type { RecordUnwrapper, SealedRecord } from '#keks/unwrap-record.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { drillActor, type Drill } from './drill.ts'
import type { CanarySample } from './measure.ts'

export type CanaryDeps = Readonly<{
  db: Database
  ring: SecretRing
  unwrapper: RecordUnwrapper
  readEpoch: (db: Db, orgId: string) => Promise<string>
  now: () => Date
}>

/** As often as a proxied call is decided anew (src/proxy/pipeline.ts). */
const decisionsMax = 8

/**
 * Asks for the KEK's canary exactly as a proxied call asks for its credential: under the organisation's epoch, by the
 * KEK's state, through the unwrap of its mode, and not served by what was withdrawn meanwhile.
 */
export async function sendCanary(deps: CanaryDeps, drill: Drill): Promise<CanarySample> {
  const begunAtMs = deps.now().getTime()
  try {
    for (let decision = 0; decision < decisionsMax; decision += 1) {
      const sample = await decide(deps, drill)
      if (sample !== 'stale') return { begunAtMs, ...sample }
    }
    return { begunAtMs, outcome: 'unanswered', code: 'changed-too-fast', kmsRequestId: null }
  } catch (error) {
    if (!(error instanceof KekFault)) throw error
    const { kind, code, kmsRequestId = null } = error
    const outcome = kind === 'revoked' ? 'refused' : 'unanswered'
    return { begunAtMs, outcome, code, kmsRequestId }
  }
}

type Decided = CanarySample extends infer Sample
  ? Sample extends CanarySample
    ? Omit<Sample, 'begunAtMs'>
    : never
  : never

async function decide(deps: CanaryDeps, drill: Drill): Promise<Decided | 'stale'> {
  const { db, ring, unwrapper, readEpoch } = deps
  const epoch = await readEpoch(db.kysely, drill.orgId)
  const kek = await findKek(db.kysely, ring, drill.orgId, drill.kekId)
  const record = canaryRecord(kek, drill)
  if (record === null) {
    return { outcome: 'refused', code: kek.stateReason ?? kek.state, kmsRequestId: null }
  }
  const revocations = unwrapper.revocationsOf(kek.id)
  const unwrapped = await unwrapper.unwrap(record, epoch)
  if (unwrapped === 'stale') return 'stale'
  openSecret(unwrapped.recordKey, record.envelope, record.context)[Symbol.dispose]()
  // What its receipt does for a proxied call.
  const isOvertaken =
    unwrapper.revocationsOf(kek.id) !== revocations || (await readEpoch(db.kysely, drill.orgId)) !== epoch
  if (isOvertaken) return 'stale'
  const { isReused, kmsRequestId, unwrapId, unwrappedAt } = unwrapped.use
  return { outcome: 'served', answeredAtMs: Date.parse(unwrappedAt), isReused, kmsRequestId, unwrapId }
}

/** Null where nothing may be asked for under this KEK. */
function canaryRecord(kek: Kek, drill: Drill): SealedRecord | null {
  if (kek.state !== 'active' || kek.canary === null) return null
  return {
    kek,
    recordId: kek.id,
    generation: 1,
    envelope: decodeEnvelope(kek.canary),
    context: canaryContext(kek),
    actor: drillActor(drill.id),
  }
}
