import type { KekAccess, KekProviderKind } from './kek.ts'
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
  grantFor(access: KekAccess, orgId: string): KekGrant
}

/** Instructions for the customer's side, ready to paste. */
export type KekGrant = Readonly<{
  summary: string
  /** JSON policies or commands by title. */
  documents: readonly Readonly<{ title: string; body: string }>[]
}>

/** Opens the guarded provider of a KEK: one for each KEK, kept while it is in use. */
export interface KekProviders {
  open(kek: { id: string; access: KekAccess }): KekProvider
}
