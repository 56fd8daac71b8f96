import { newId } from '#db/ids.ts'
import { claimDue } from './claim-due.ts'
import type { Kek } from './kek.ts'
import { noteVerification } from './note-verification.ts'
import { findKek } from './repository.ts'
import { runChecks } from './run-checks.ts'
import { outcomeOf, type VerificationRecord } from './verification.ts'
import { findLastVerdict, scheduleVerification } from './verification-repository.ts'
import type { VerifyDeps } from './verify.ts'

type Deps = VerifyDeps &
  Readonly<{
    /** Told of what a verification could not do, so that a broken one is seen. */
    onError: (error: unknown, kekId: string) => void
  }>

const actor = 'reverification'
/** A verification that a node claimed and never finished (it died) is due again after this long. */
const leaseMs = 300_000
const atOnceMax = 4
/** Where nothing could be learnt, the next try comes sooner. */
const retryMs = 3_600_000

/**
 * Verifies again the active KEKs whose turn it is. Grants drift: a role is widened, a condition falls out of a policy.
 * The ledger gets an entry only where the outcome is another than the last time; the state of the KEK does not change,
 * a revocation being the probe's to see. Several nodes may call this at once: a verification is claimed by one.
 * @returns how many were due.
 */
export async function runDueVerifications(deps: Deps): Promise<number> {
  if (deps.reverifyIntervalMs === 0) return 0
  const due = await claimDue(deps.db.kysely, 'next_verification_at', deps.now(), leaseMs, atOnceMax)
  await Promise.all(
    due.map(async ({ orgId, kekId }) => {
      try {
        const kek = await findKek(deps.db.kysely, deps.ring, orgId, kekId)
        await (kek.state === 'active' ? reverifyKek(deps, kek) : postpone(deps, kek, deps.reverifyIntervalMs))
      } catch (error) {
        deps.onError(error, kekId)
      }
    }),
  )
  return due.length
}

async function reverifyKek(deps: Deps, kek: Kek): Promise<void> {
  const { canary: _, protection: __, ...outcome } = await runChecks(deps, kek, async () => {})
  const of = { orgId: kek.orgId, kekId: kek.id }
  const record: VerificationRecord = { id: newId(), ...of, verifiedAt: deps.now(), actor, ...outcome }
  const before = await findLastVerdict(deps.db.kysely, deps.ring, of)
  const isChanged = before === undefined || outcomeOf(before) !== outcomeOf(record)
  await noteVerification(deps, record, { isEntryWritten: isChanged && record.verdict !== 'unknown' })
  if (record.verdict === 'unknown') await postpone(deps, kek, Math.min(retryMs, deps.reverifyIntervalMs))
}

async function postpone(deps: Deps, kek: Kek, byMs: number): Promise<void> {
  const at = new Date(deps.now().getTime() + byMs)
  await scheduleVerification(deps.db.kysely, { orgId: kek.orgId, kekId: kek.id }, at)
}
