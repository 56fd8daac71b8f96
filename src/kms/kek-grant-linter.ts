/**
 * What a finding means for the KEK:
 * - `dangerous`: another organisation, or whoever names the same role, could reach through this grant. Not activated.
 * - `warning`: we may do more than wrap and unwrap. Activated, and told.
 * - `notice`: worth knowing; nothing needs to change at once.
 */
export const findingSeverities = ['dangerous', 'warning', 'notice'] as const
export type FindingSeverity = (typeof findingSeverities)[number]

/** One thing that we may do and should not be able to. No text names an account, a principal or a key. */
export type GrantFinding = Readonly<{
  /** Stable, named after the cloud: `aws-create-grant`. */
  code: string
  severity: FindingSeverity
  /** What the surplus right would allow, in one sentence. */
  allows: string
  /** What its owner changes. */
  fix: string
}>

/** One call that was made to find out. None of them changes anything on the customer's side. */
export type GrantProbe = Readonly<{
  /** The call in the cloud's own words, with what was special about it. */
  action: string
  /** `unclear`: neither a refusal nor a success, so that nothing follows from it. */
  outcome: 'refused' | 'allowed' | 'unclear'
  /** The cloud's own name of its answer (`AccessDeniedException`, `DryRunOperationException`, …). */
  answer: string
  /** By which the customer finds the call in their log; null where the cloud gave none. */
  kmsRequestId: string | null
  /** As of a `KmsCall`. */
  serviceRequestId?: string
}>

/** What its owner would paste in place of what is granted. */
export type GrantDocument = Readonly<{ title: string; body: string }>

/** How its owner sees that their own log records every use of the key. Hasp asks for no right to read it. */
export type LogCheck = Readonly<{
  /** For a POSIX shell, to be copied alone. */
  command: string
  /** What it shows, and what must be so for it to show anything. */
  note: string
}>

export type GrantLint = Readonly<{
  probes: readonly GrantProbe[]
  findings: readonly GrantFinding[]
}>

/** How an unwrap ended that was tried to find out. */
type TriedUnwrap = Readonly<{
  code: string
  kmsRequestId: string | undefined
  /** As of a `KmsCall`. */
  serviceRequestId?: string | undefined
}>

export type LintRequest = Readonly<{
  orgId: string
  /** An organisation that does not exist: what works for it works for everybody. */
  foreignOrgId: string
  /**
   * Called, and awaited, before each call that the customer's log shows as an unwrap, so that it has a record of
   * ours before it is made; what it answers is told how the call ended.
   */
  beforeUnwrap: () => Promise<(answer: TriedUnwrap) => void>
  signal?: AbortSignal | undefined
}>

/**
 * Tries what the grant should not allow, by calls that change nothing. Knows one KEK of one cloud.
 * What a right can not be tested for without using it (deleting a key) is not tried: the cloud's README says which.
 */
export interface GrantLinter {
  /** The whole of what the grant should be, in one sentence: said once, beside whatever was found. */
  readonly least: string
  /** What no verification finds out, for its owner to look up: said where nothing was found. */
  readonly untried: string
  /** @throws {KekFault} when the cloud could not be asked; then nothing is known. */
  lint(request: LintRequest): Promise<GrantLint>
  /**
   * Looks for `nonce` where only an owner of the key could have put it.
   * @throws {KekFault} `misconfigured` where it is not there, saying where to put it; as the cloud fails otherwise.
   */
  proveOwnership(nonce: string, signal?: AbortSignal): Promise<OwnershipProof>
}

/** How it was proven that whoever registers the KEK is its owner, not somebody who merely knows its name. */
export type OwnershipProof = Readonly<{
  /** In one sentence, for the owner and their auditor. */
  proof: string
  kmsRequestId: string | null
  /** As of a `KmsCall`. */
  serviceRequestId?: string | undefined
}>
