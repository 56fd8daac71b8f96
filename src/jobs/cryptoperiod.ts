import type { Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Judged } from '#integrity/assert-row-mac.ts'
import { isOutOfUse, type Kek } from '#keks/kek.ts'
import { findKek, listKeks } from '#keks/repository.ts'
import { agedKinds, daysMaxOf, duePart, edgesOf, type AgedKind } from './aged.ts'
import { countAges, countWraps, type AgeCounts } from './cryptoperiod-repository.ts'
import { remediesOf, type Remedy } from './remedy.ts'

export type CryptoperiodDeps = Readonly<{ db: { kysely: Db }; ring: SecretRing; now: () => Date }>

export const cryptoperiodStates = ['unlimited', 'in-period', 'due', 'overdue'] as const
type CryptoperiodState = (typeof cryptoperiodStates)[number]

/** How far a KEK is in its periods: the ages of what is under it, and how much it has wrapped. */
export type Cryptoperiod = Readonly<{
  kek: Kek
  /** The worst of all. */
  state: CryptoperiodState
  ages: Readonly<Record<AgedKind, AgeCounts>>
  /** DEKs that this KEK has wrapped, by the ledger: sealed, rewrapped and proven with; what a crash lost is not there. */
  wraps: number
  remedies: readonly Remedy[]
}>

/** A page of KEKs with their cryptoperiods, up to `limit + 1`. */
export async function readCryptoperiods(
  deps: CryptoperiodDeps,
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

/** @throws {KekError} `kek_not_found` */
export async function readCryptoperiod(
  deps: CryptoperiodDeps,
  orgId: string,
  kekId: string,
): Promise<Cryptoperiod> {
  return cryptoperiodOf(deps, await findKek(deps.db.kysely, deps.ring, orgId, kekId))
}

async function cryptoperiodOf({ db, now }: CryptoperiodDeps, kek: Kek): Promise<Cryptoperiod> {
  const wraps = await countWraps(db.kysely, kek)
  const ages = await countAges(db.kysely, kek, edgesOf(kek, now()))
  const wrapsState = stateOfWraps(kek, wraps)
  const states = new Set([
    wrapsState,
    ...agedKinds.map((kind) => stateOfAge(daysMaxOf(kek, kind), ages[kind])),
  ])
  return {
    kek,
    state: cryptoperiodStates.findLast((state) => states.has(state)) ?? 'unlimited',
    ages,
    wraps,
    remedies: remediesOf({
      due: agedKinds.filter((kind) => ages[kind].due + ages[kind].overdue > 0),
      isSpent: wrapsState === 'due' || wrapsState === 'overdue',
      isEmpty: ages.wrap.total === 0,
    }),
  }
}

function stateOfAge(daysMax: number | null, { due, overdue }: AgeCounts): CryptoperiodState {
  if (daysMax === null) return 'unlimited'
  if (overdue > 0) return 'overdue'
  return due > 0 ? 'due' : 'in-period'
}

/** A KEK that was retired wraps no more, however much it has wrapped. */
function stateOfWraps({ wrapsMax, state }: Kek, wraps: number): CryptoperiodState {
  if (wrapsMax === null) return 'unlimited'
  if (isOutOfUse(state)) return 'in-period'
  if (wraps >= wrapsMax) return 'overdue'
  return wraps >= wrapsMax * duePart ? 'due' : 'in-period'
}
