/** An API target: a provider, an endpoint of it, and the credential versions that open it. */
export type Target = Readonly<{
  id: string
  orgId: string
  name: string
  /** Name of the provider (`openai`, `anthropic`, …). */
  provider: string
  environment: string
  /** Absolute URL without trailing slash; its origin is the provider's own or one that the operator allowed. */
  baseUrl: string
  /** Models this target serves, exact names or prefixes ending in `*`; empty: whatever its provider serves. */
  models: readonly string[]
  kekId: string
  /** Generation of the credential in use, counted from 1. */
  generation: number
  createdAt: Date
  updatedAt: Date
}>

/** The models of a target for the ledger, where an empty list would read as a target that serves none. */
export function modelScope({ models }: Pick<Target, 'models'>): 'all' | string[] {
  return models.length === 0 ? 'all' : [...models]
}

/** One version of a target's credential: sealed, with what may be shown of it. */
export type Credential = Readonly<{
  targetId: string
  orgId: string
  generation: number
  kekId: string
  /** First and last four characters at write time, or a mask where the credential is short. */
  preview: string
  sealed: Buffer
  createdAt: Date
  /** When its DEK was last wrapped, and when that DEK was made: what cryptoperiods are counted from. */
  wrappedAt: Date
  dekCreatedAt: Date
}>

export type TargetHealth = Readonly<{
  lastUsedAt: Date | null
  lastVerifiedAt: Date | null
  /** What the provider said when it was last shown the credential. */
  verification: 'accepted' | 'rejected' | 'unchecked' | null
  detail: string | null
}>
