import type { BeforeCommit } from '#db/before-commit.ts'
import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { Kek } from './kek.ts'
import { requireProtection } from './protection.ts'
import { bringProbeForward } from './probe-repository.ts'
import { findKek, replaceKek } from './repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/** The rules of use that may change while a KEK is in use; where it lives may not: register another. */
export type KekRules = Partial<
  Pick<
    Kek,
    | 'name'
    | 'unwrapMode'
    | 'cacheCeilingMs'
    | 'cacheUsesMax'
    | 'streamRule'
    | 'probeIntervalMs'
    | 'protectionRule'
    | 'wrapAgeDaysMax'
    | 'dekAgeDaysMax'
    | 'credentialAgeDaysMax'
    | 'wrapsMax'
  >
>

/** @throws {KekError} `kek_not_found`, `kek_name_taken`, `kek_protection_too_low`, `kek_changed_meanwhile`. */
export async function updateKek(
  deps: Deps,
  input: { orgId: string; kekId: string; actor: string; rules: KekRules; beforeCommit?: BeforeCommit<Kek> },
): Promise<Kek> {
  return deps.db.transaction(async (trx) => {
    const before = await findKek(trx, deps.ring, input.orgId, input.kekId)
    const after: Kek = { ...before, ...input.rules }
    if (after.protection !== null) requireProtection(after.protectionRule, after)
    const now = deps.now()
    await replaceKek(trx, deps.ring, before, after)
    if (after.probeIntervalMs !== before.probeIntervalMs) await bringProbeForward(trx, after, now)
    await recordChange(trx, {
      orgId: input.orgId,
      kind: 'kek.updated',
      actor: input.actor,
      occurredAt: now,
      kekId: input.kekId,
      details: { ...input.rules },
    })
    await input.beforeCommit?.(trx, after)
    return after
  })
}
