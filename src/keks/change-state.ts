import type { BeforeCommit } from '#db/before-commit.ts'
import type { Database, Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { EntryKind } from '#ledger/entry.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { Protection } from '#kms/kek-provider.ts'
import type { Kek, KekState } from './kek.ts'
import { KekError } from './kek-error.ts'
import { bringProbeForward } from './probe-repository.ts'
import { findKek, replaceKek } from './repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/** Each attempt loses only to another change of the same KEK that did commit. */
const attemptsMax = 5

export type KekStateChange = Readonly<{
  orgId: string
  kekId: string
  from: readonly KekState[]
  to: KekState
  kind: EntryKind
  reason: string | null
  actor: string
  /** Request id of the KMS call that told us, where one did. */
  kmsRequestId?: string | undefined
  /** In place of the one it has; null takes that away. */
  canary?: Buffer | null
  /** Where the KMS keeps the key, as it was just told. */
  protection?: Protection
  /** Last condition, asked under the organisation's lock: throws to undo the change. */
  unless?: (trx: Db) => Promise<void>
  beforeCommit?: BeforeCommit<Kek> | undefined
}>

/**
 * Moves a KEK from one of `from` to `to`, with its ledger entry, the organisation's new epoch and the notice to
 * every node in one transaction. Does nothing where the KEK is in another state already (another node saw the
 * same revocation first).
 * @returns the KEK as it is afterwards, and whether this call changed it.
 */
export async function changeKekState(
  deps: Deps,
  change: KekStateChange,
): Promise<{ kek: Kek; isChanged: boolean }> {
  return deps.db.transaction(async (trx) => {
    const before = await findKek(trx, deps.ring, change.orgId, change.kekId)
    if (!change.from.includes(before.state)) return { kek: before, isChanged: false }
    const now = deps.now()
    const after: Kek = {
      ...before,
      state: change.to,
      stateReason: change.reason,
      stateChangedAt: now,
      protection: change.protection ?? before.protection,
      canary: change.canary === undefined ? before.canary : change.canary,
    }
    await replaceKek(trx, deps.ring, before, after)
    await recordChange(trx, {
      orgId: change.orgId,
      kind: change.kind,
      actor: change.actor,
      occurredAt: now,
      kekId: change.kekId,
      details: {
        from: before.state,
        to: change.to,
        reason: change.reason,
        kmsRequestId: change.kmsRequestId ?? null,
        ...(change.protection === undefined ? {} : { protection: change.protection }),
      },
    })
    // Whether a suspended KEK works again is asked from now on, however seldom it was probed before.
    if (change.to === 'suspended') await bringProbeForward(trx, after, now)
    await change.unless?.(trx)
    await change.beforeCommit?.(trx, after)
    return { kek: after, isChanged: true }
  })
}

/**
 * What the KMS said holds whatever an admin does to the KEK's rules at the same time: a change that another one got
 * in between of is made again on what is there now, which may be that nothing is left to do.
 */
export async function changeKekStateInAnyCase(
  deps: Deps,
  change: KekStateChange,
): Promise<{ kek: Kek; isChanged: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await changeKekState(deps, change)
    } catch (error) {
      const isRaced = error instanceof KekError && error.code === 'kek_changed_meanwhile'
      if (!isRaced || attempt === attemptsMax) throw error
    }
  }
}
