import type { Kek } from '#keks/kek.ts'

/**
 * What grows old under a KEK. A `wrap` since its DEK was last wrapped, a `dek` since it was made, a `credential` since
 * Hasp was given it; of credentials only the version in use counts, of wraps and DEKs every version's.
 */
export const agedKinds = ['wrap', 'dek', 'credential'] as const
export type AgedKind = (typeof agedKinds)[number]

/** What dates from `due` or from before is due, from `overdue` or from before overdue. */
export type Edges = Readonly<{ due: Date; overdue: Date }>

/** From this part of a period on, its end is near enough to act. */
export const duePart = 0.9
const dayMs = 86_400_000

/** How old it may get under this KEK, in days; null for no limit. */
export function daysMaxOf(kek: Kek, kind: AgedKind): number | null {
  return { wrap: kek.wrapAgeDaysMax, dek: kek.dekAgeDaysMax, credential: kek.credentialAgeDaysMax }[kind]
}

/** The edges of each kind that has a limit. */
export function edgesOf(kek: Kek, now: Date): Readonly<Record<AgedKind, Edges | null>> {
  const edges = (kind: AgedKind) => {
    const daysMax = daysMaxOf(kek, kind)
    const before = (days: number) => new Date(now.getTime() - days * dayMs)
    return daysMax === null ? null : { due: before(daysMax * duePart), overdue: before(daysMax) }
  }
  return { wrap: edges('wrap'), dek: edges('dek'), credential: edges('credential') }
}

/** When what dates from `since` is due, and overdue. */
export function dueDatesOf(since: Date, daysMax: number): { dueAt: Date; overdueAt: Date } {
  const after = (days: number) => new Date(since.getTime() + days * dayMs)
  return { dueAt: after(daysMax * duePart), overdueAt: after(daysMax) }
}
