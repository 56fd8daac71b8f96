import type { KekFaultKind } from './kek-fault.ts'

/** What a cloud's refusal means, and what the KEK's owner may read about it. */
export type Verdict = Readonly<{
  kind: KekFaultKind
  message: string
  /** In place of the refusal's own code, where that would say less. */
  code?: string
  /** Of a `revoked`: needs a second reading before the KEK is called suspended (src/keks/confirm-revocation.ts). */
  isAmbiguous?: boolean
}>

type More = Pick<Verdict, 'code' | 'isAmbiguous'>

const verdictsOf =
  (kind: KekFaultKind) =>
  (message: string, more: More = {}): Verdict => ({ kind, message, ...more })

export const revoked = verdictsOf('revoked')
export const unreachable = verdictsOf('unreachable')
export const throttled = verdictsOf('throttled')
export const misconfigured = verdictsOf('misconfigured')
export const tampered = verdictsOf('tampered')
export const ours = verdictsOf('ours')

/** A cloud's names for its errors, by what they mean. */
export function verdictsByCode<Code extends string | number>(
  rows: readonly (readonly [verdict: Verdict, codes: readonly Code[]])[],
): ReadonlyMap<Code, Verdict> {
  return new Map(rows.flatMap(([verdict, codes]) => codes.map((code) => [code, verdict] as const)))
}
