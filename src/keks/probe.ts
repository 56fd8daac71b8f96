import type { Database } from '#db/database.ts'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { KekProviders } from './access.ts'
import { journalledUnwrap, openCanary } from './canary.ts'
import { type Claim, claimDue } from './claim-due.ts'
import { confirmRevocation } from './confirm-revocation.ts'
import type { Kek } from './kek.ts'
import { bringProbeForward, recordProbe } from './probe-repository.ts'
import { findKek } from './repository.ts'
import { resumeKek, suspendKek } from './suspend.ts'
import type { UnwrapJournal } from './unwrap-journal.ts'

type Deps = Readonly<{
  db: Database
  ring: SecretRing
  providers: KekProviders
  journal: UnwrapJournal
  now: () => Date
  suspendedProbeIntervalMs: number
  /** Called when the KMS answers that an active KEK is revoked, before that is written down for every node. */
  onRevoked: (kekId: string) => void
  /** Told of what a probe could not do, so that a broken probe is seen. */
  onError: (error: unknown, kekId: string) => void
}>

type ProbeOutcome = 'working' | 'suspended' | 'resumed' | KekFault['kind'] | 'skipped'

const actor = 'probe'
/** A probe that a node claimed and never finished (it died) is due again after this long. */
const leaseMs = 30_000
/** A probe that failed for another reason than the KMS is due again after this long. */
const failedRecheckMs = 1_000
/** On one node. */
const probesAtOnceMax = 64
const claimedAtOnceMax = 16
/** How far off an idle (unprobed) KEK's next look is set. */
const idleRecheckMs = 60_000

/**
 * Runs the probes that are due: each active KEK unwraps its canary at its own interval, so that an idle organisation
 * also learns of a revocation, and each suspended KEK is asked whether it works again. Several nodes may do so at once:
 * a probe is claimed by one. Disposing waits for what is under way.
 */
export class ProbeRunner implements AsyncDisposable {
  readonly #deps: Deps
  readonly #underWay = new Set<Promise<void>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Starts what is due, as far as there are places, and waits for none of it: a KMS that does not answer keeps no
   * other organisation's probe from its time.
   * @returns how many were started.
   */
  async startDue(): Promise<number> {
    const { db, now } = this.#deps
    for (let started = 0; ;) {
      const wanted = Math.min(claimedAtOnceMax, probesAtOnceMax - this.#underWay.size)
      if (wanted <= 0) return started
      const due = await claimDue(db.kysely, 'next_probe_at', now(), leaseMs, wanted)
      for (const claim of due) this.#start(claim)
      started += due.length
      if (due.length < wanted) return started
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#underWay)
  }

  #start(claim: Claim): void {
    const { db, now, onError } = this.#deps
    const { orgId, kekId } = claim
    const probe = probeKek(this.#deps, claim)
      .catch(async (error: unknown) => {
        onError(error, kekId)
        // Not only when its lease is over: the database may have been away for a moment.
        const at = new Date(now().getTime() + failedRecheckMs)
        await bringProbeForward(db.kysely, { id: kekId, orgId }, at).catch(() => {})
      })
      .then(() => void this.#underWay.delete(probe))
    this.#underWay.add(probe)
  }
}

async function probeKek(deps: Deps, claim: Claim): Promise<ProbeOutcome> {
  const kek = await findKek(deps.db.kysely, deps.ring, claim.orgId, claim.kekId)
  const { outcome, kmsRequestId } = await ask(deps, kek)
  const at = deps.now()
  await recordProbe(deps.db.kysely, {
    ...claim,
    at,
    nextAt: new Date(at.getTime() + intervalAfter(deps, kek, outcome)),
    isSoonerKept: outcome !== 'suspended',
    outcome,
    kmsRequestId,
  })
  return outcome
}

async function ask(deps: Deps, kek: Kek): Promise<{ outcome: ProbeOutcome; kmsRequestId: string | null }> {
  const isProbed = kek.state === 'suspended' || (kek.state === 'active' && kek.probeIntervalMs > 0)
  if (!isProbed || kek.canary === null) return { outcome: 'skipped', kmsRequestId: null }
  const { canary } = kek
  try {
    const { kmsRequestId } = await journalledUnwrap(deps.journal, kek, (unwrapId) =>
      openCanary(kek, canary, deps.providers.open(kek), unwrapId),
    )
    if (kek.state !== 'suspended') return { outcome: 'working', kmsRequestId }
    await resumeKek(deps, kek, kmsRequestId, actor)
    return { outcome: 'resumed', kmsRequestId }
  } catch (error) {
    if (error instanceof EnvelopeError) return { outcome: 'tampered', kmsRequestId: null }
    if (!(error instanceof KekFault)) throw error
    const kmsRequestId = error.kmsRequestId ?? null
    if (error.kind !== 'revoked') return { outcome: error.kind, kmsRequestId }
    if (kek.state === 'active' && (await confirmRevocation(deps, kek, error)) !== 'confirmed')
      return { outcome: 'revoked', kmsRequestId }
    if (kek.state === 'active') deps.onRevoked(kek.id)
    await suspendKek(deps, kek, error, actor)
    return { outcome: 'suspended', kmsRequestId }
  }
}

function intervalAfter(deps: Deps, kek: Kek, outcome: ProbeOutcome): number {
  if (outcome === 'suspended' || outcome === 'revoked') return deps.suspendedProbeIntervalMs
  if (kek.state === 'suspended' && outcome !== 'resumed') return deps.suspendedProbeIntervalMs
  return kek.probeIntervalMs > 0 ? kek.probeIntervalMs : idleRecheckMs
}
