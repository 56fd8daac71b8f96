import type { KekAccess, KekProviderKind } from './kek.ts'
import type { GrantDocument, GrantLinter, LogCheck } from '#kms/kek-grant-linter.ts'
import type { KekProvider } from '#kms/kek-provider.ts'

/** What registration needs to know of one kind of KMS; `context.ts` supplies one for each. */
export interface KekAccessKind {
  readonly kind: KekProviderKind
  /**
   * Checks what the customer gave (full key ARN, role ARN, …) and completes it with what is ours to choose
   * (ExternalId, file id).
   * @throws {KekFault} `misconfigured`, saying what to change.
   */
  prepare(input: Readonly<Record<string, string | undefined>>): Promise<{ access: KekAccess; kekRef: string }>
  /** What the customer is to grant, filled in for this KEK. */
  grantFor(access: KekAccess, orgId: string, kekId: string): KekGrant
  /** What tries the grant for more than it should allow; absent where nothing is granted (a file of ours). */
  openLinter?(kek: { id: string; access: KekAccess }): GrantLinter
}

/** Instructions for the customer's side, ready to paste, in three forms that come to the same. */
export type KekGrant = Readonly<{
  summary: string
  /** Raw policies, by title. */
  documents: readonly GrantDocument[]
  /** A call of the module in terraform/. */
  terraform?: GrantDocument
  /** Commands of the cloud's own command line, for a POSIX shell. */
  cli?: GrantDocument
  logCheck?: LogCheck
}>

/** Opens the guarded provider of a KEK: one for each KEK, kept while it is in use. */
export interface KekProviders {
  open(kek: { id: string; access: KekAccess }): KekProvider
}
