import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { changeKekStateInAnyCase } from './change-state.ts'
import { isOutOfUse, type Kek } from './kek.ts'
import { KekError } from './kek-error.ts'
import { noteVerification } from './note-verification.ts'
import { requireUnclaimed } from './ownership.ts'
import { bringProbeForward } from './probe-repository.ts'
import { findKek } from './repository.ts'
import { runChecks, type CheckDeps } from './run-checks.ts'
import type { VerificationRecord } from './verification.ts'

export type VerifyDeps = CheckDeps &
  Readonly<{
    db: Database
    ring: SecretRing
    now: () => Date
    /** How long after a verification the next is due by itself; 0 for never. */
    reverifyIntervalMs: number
  }>

export type Verification = Readonly<{ kek: Kek; record: VerificationRecord; isPassed: boolean }>

/**
 * Proves the grant on the customer's KMS, then activates the KEK. A grant that allows too much is activated, and
 * told, unless it is dangerous: then another organisation could reach through it. May be repeated at any time; on an
 * active or suspended KEK it changes nothing by failing. Where the KMS refused, the probe of an active one is due at
 * once: it decides whether this is a revocation. Of a KEK that is out of use nothing is asked.
 * @throws {KekError} `kek_not_found`, `kek_already_claimed`, `kek_not_active`.
 */
export async function verifyKek(
  deps: VerifyDeps,
  input: { orgId: string; kekId: string; actor: string },
): Promise<Verification> {
  const kek = await findKek(deps.db.kysely, deps.ring, input.orgId, input.kekId)
  if (isOutOfUse(kek.state)) {
    throw new KekError(
      'kek_not_active',
      `The KEK is ${kek.state} for good: there is nothing to verify. Register its key anew to use it again.`,
    )
  }
  const { canary, protection, ...outcome } = await runChecks(deps, kek, () =>
    requireUnclaimed(deps.db.kysely, kek),
  )
  const record: VerificationRecord = {
    id: newId(),
    orgId: kek.orgId,
    kekId: kek.id,
    verifiedAt: deps.now(),
    actor: input.actor,
    ...outcome,
  }
  await noteVerification(deps, record, { isEntryWritten: true })
  const isPassed = record.checks.every((check) => check.isPassed)
  if (!isPassed) {
    const isRefused = record.checks.some(({ fault }) => fault?.kind === 'revoked')
    if (isRefused && kek.state === 'active' && kek.probeIntervalMs > 0)
      await bringProbeForward(deps.db.kysely, kek, deps.now())
    return { kek, record, isPassed }
  }
  const activated = await changeKekStateInAnyCase(deps, {
    orgId: kek.orgId,
    kekId: kek.id,
    from: ['pre-activation', 'suspended'],
    to: 'active',
    kind: kek.state === 'suspended' ? 'kek.resumed' : 'kek.activated',
    reason: null,
    actor: input.actor,
    ...(protection === undefined ? {} : { protection }),
    ...(kek.canary === null && canary !== undefined ? { canary } : {}),
  })
  if (activated.kek.state !== 'active') {
    throw new KekError(
      'kek_not_active',
      `The grant works, but the KEK is ${activated.kek.state} and stays so.`,
    )
  }
  return { kek: activated.kek, record, isPassed }
}
