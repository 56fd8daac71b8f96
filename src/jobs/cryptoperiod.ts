import type { Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Judged } from '#integrity/assert-row-mac.ts'
import type { Kek } from '#keks/kek.ts'
import { findKek, listKeks } from '#keks/repository.ts'
import { countWrapped, countWraps, findOldRecords } from './cryptoperiod-repository.ts'

type Deps = Readonly<{ db: { kysely: Db }; ring: SecretRing; now: () => Date }>

export const cryptoperiodStates = ['unlimited', 'in-period', 'due', 'overdue'] as const
type CryptoperiodState = (typeof cryptoperiodStates)[number]

/** How far a KEK is in its cryptoperiods: the age of what it wraps, and how much it has wrapped. */
export type Cryptoperiod = Readonly<{
  kek: Kek
  state: CryptoperiodState
  /** DEKs that this KEK has wrapped, by the ledger: sealed, rewrapped and proven with; what a crash lost is not there. */
  wraps: number
  /** Credential versions under the KEK now, and those of them whose wrap is due or overdue. */
  versions: number
  versionsDue: number
  versionsOverdue: number
  oldestWrappedAt: Date | null
}>

/** A target under the KEK whose oldest wrap is due. */
export type DueRecord = Readonly<{
  targetId: string
  name: string
  wrappedAt: Date
  dueAt: Date
  overdueAt: Date
  isOverdue: boolean
}>

/** From this part of a period on, its end is near enough to act. */
const duePart = 0.9
const dayMs = 86_400_000

/** A page of KEKs with their cryptoperiods, up to `limit + 1`. */
export async function readCryptoperiods(
  deps: Deps,
  orgId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<Judged<Cryptoperiod>[]> {
  const keks = await listKeks(deps.db.kysely, deps.ring, orgId, page)
  const judged: Judged<Cryptoperiod>[] = []
  for (const { id, record } of keks) {
    judged.push({ id, record: record === null ? null : await cryptoperiodOf(deps, record) })
  }
  return judged
}

/**
 * A page of what is due under one KEK, by target, up to `limit + 1`; empty where the KEK has no limit of age.
 * @throws {KekError} `kek_not_found`
 */
export async function readDueRecords(
  deps: Deps,
  orgId: string,
  kekId: string,
  page: { afterId: string | undefined; limit: number },
): Promise<DueRecord[]> {
  const kek = await findKek(deps.db.kysely, deps.ring, orgId, kekId)
  const { wrapAgeDaysMax } = kek
  if (wrapAgeDaysMax === null) return []
  const now = deps.now()
  const { dueSince } = edgesOf(now, wrapAgeDaysMax)
  const rows = await findOldRecords(deps.db.kysely, kek, { ...page, wrappedUntil: dueSince })
  return rows.map((row) => {
    const after = (part: number) => new Date(row.wrappedAt.getTime() + part * wrapAgeDaysMax * dayMs)
    const overdueAt = after(1)
    return { ...row, dueAt: after(duePart), overdueAt, isOverdue: overdueAt <= now }
  })
}

async function cryptoperiodOf({ db, now }: Deps, kek: Kek): Promise<Cryptoperiod> {
  const edges = kek.wrapAgeDaysMax === null ? null : edgesOf(now(), kek.wrapAgeDaysMax)
  const wraps = await countWraps(db.kysely, kek)
  const wrapped = await countWrapped(db.kysely, kek, edges ?? { dueSince: null, overdueSince: null })
  return { kek, state: stateOf(kek, wraps, wrapped), wraps, ...wrapped }
}

/** The worse of the two. */
function stateOf(
  { wrapAgeDaysMax, wrapsMax }: Kek,
  wraps: number,
  { versionsDue, versionsOverdue }: { versionsDue: number; versionsOverdue: number },
): CryptoperiodState {
  if (wrapAgeDaysMax === null && wrapsMax === null) return 'unlimited'
  if (versionsOverdue > 0 || (wrapsMax !== null && wraps >= wrapsMax)) return 'overdue'
  if (versionsDue > 0 || (wrapsMax !== null && wraps >= wrapsMax * duePart)) return 'due'
  return 'in-period'
}

/** What was wrapped until then is due, or overdue. */
function edgesOf(now: Date, wrapAgeDaysMax: number): { dueSince: Date; overdueSince: Date } {
  const before = (part: number) => new Date(now.getTime() - part * wrapAgeDaysMax * dayMs)
  return { dueSince: before(duePart), overdueSince: before(1) }
}
