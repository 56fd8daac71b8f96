import type { AgedKind } from './aged.ts'

/**
 * What ends that something is due: a job to start; for a credential, another one from its provider; for a KEK that has
 * wrapped enough and has nothing under it any more, its end. None starts by itself.
 */
export const remedies = ['move', 're-encrypt', 'rewrap', 'rotate', 'retire'] as const
export type Remedy = (typeof remedies)[number]

/** The least that renews it. */
export function remedyOf(kind: AgedKind): Remedy {
  return ({ wrap: 'rewrap', dek: 're-encrypt', credential: 'rotate' } as const)[kind]
}

/**
 * What is to be done about a KEK, in this order. One that has wrapped enough is left for another, since every other job
 * has it wrap more; a move and a re-encryption renew the wraps with the rest, so that no rewrap is needed beside them.
 */
export function remediesOf({
  due,
  isSpent,
  isEmpty,
}: {
  due: readonly AgedKind[]
  /** Whether it has wrapped as many DEKs as it may, or nearly. */
  isSpent: boolean
  isEmpty: boolean
}): Remedy[] {
  const wanted = new Set<Remedy>(due.map(remedyOf))
  if (isSpent) wanted.add(isEmpty ? 'retire' : 'move')
  if (wanted.has('move') || wanted.has('re-encrypt')) wanted.delete('rewrap')
  return remedies.filter((remedy) => wanted.has(remedy))
}
