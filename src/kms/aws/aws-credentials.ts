/** Credentials as AWS issues them. One object stands for one session: its identity is what caches go by. */
export type AwsCredentials = Readonly<{
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}>

/** Where the credentials of one KEK's calls come from. */
export interface CredentialSource {
  /** Whether they are Hasp's own principal's, and not those of a role in the customer's account. */
  readonly isOwnPrincipal: boolean
  /** @throws {KekFault} */
  current(): Promise<AwsCredentials>
  /** Says that AWS no longer accepts `refused`: the next {@link current} gets others. */
  discard(refused: AwsCredentials): void
}
