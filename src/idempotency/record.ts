/** What became of the request that took an idempotency key. */
export type IdempotencyRecord = Readonly<{
  orgId: string
  idempotencyKey: string
  /** Keyed digest of the request, so that another one under the same key is told apart. */
  digest: Buffer
  /** Id of the attempt that has the key: one that has lost it to a later attempt can write nothing any more. */
  attempt: string
  /** HTTP status of the answer; {@link inProgress} until there is one. */
  status: number
  /** The answer that repeats get, as JSON. */
  body: string
  createdAt: Date
}>

/** Status of a record whose request is still being carried out. */
export const inProgress = 0
