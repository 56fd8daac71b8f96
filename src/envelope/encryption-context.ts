/** What a sealed record is for. A canary holds no customer secret: the probe unwraps it to prove the KEK. */
type SealPurpose = 'credential' | 'canary'

/**
 * The named, non-secret fields that bind a sealed record to its place: never stored beside it, always rebuilt
 * from the row that is being read, so that a record moved anywhere else does not open.
 */
export type EncryptionContext = Readonly<{
  /** Organisation id (UUID). */
  org: string
  /** Id of the record that owns the secret: a target's id, or a KEK's id for its canary (UUID). */
  record: string
  purpose: SealPurpose
  /** LLM provider of the target (`openai`, …), or `none` for a canary. */
  provider: string
  /** The target's environment (`production`, `staging`, …), or `none`. */
  environment: string
  /** Id of our KEK record (UUID), not the cloud's name for it. */
  kek: string
  /** Counts the seals of this record from 1; a lower one is a replay. */
  generation: number
}>
