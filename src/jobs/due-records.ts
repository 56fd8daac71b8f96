import { findKek } from '#keks/repository.ts'
import { agedKinds, daysMaxOf, dueDatesOf, edgesOf, type AgedKind } from './aged.ts'
import type { CryptoperiodDeps } from './cryptoperiod.ts'
import { findAgedRecords } from './cryptoperiod-repository.ts'
import { remedyOf, type Remedy } from './remedy.ts'

/** What of one target is due: the oldest of its kind, and when its period began and ends. */
type DueItem = Readonly<{
  what: AgedKind
  since: Date
  dueAt: Date
  overdueAt: Date
  isOverdue: boolean
  remedy: Remedy
}>

/** A target with something under the KEK that is due; what is not, is not there. */
export type DueRecord = Readonly<{ targetId: string; name: string; due: readonly DueItem[] }>

/**
 * A page of what is due under one KEK, a target at a time and by target id, up to `limit + 1`: whatever is renewed or
 * falls due while somebody pages, no target comes twice, and none that stays due is left out. Empty where the KEK has
 * no limit of age.
 * @throws {KekError} `kek_not_found`
 */
export async function readDueRecords(
  deps: CryptoperiodDeps,
  orgId: string,
  kekId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<DueRecord[]> {
  const kek = await findKek(deps.db.kysely, deps.ring, orgId, kekId)
  const now = deps.now()
  const records = await findAgedRecords(deps.db.kysely, kek, edgesOf(kek, now), page)
  return records.map(({ targetId, name, oldest }) => ({
    targetId,
    name,
    due: agedKinds.flatMap((what) => {
      const since = oldest[what]
      const daysMax = daysMaxOf(kek, what)
      if (since === null || daysMax === null) return []
      const { dueAt, overdueAt } = dueDatesOf(since, daysMax)
      if (dueAt > now) return []
      return [{ what, since, dueAt, overdueAt, isOverdue: overdueAt <= now, remedy: remedyOf(what) }]
    }),
  }))
}
