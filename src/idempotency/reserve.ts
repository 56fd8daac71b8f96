import type { Db } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { inProgress, type IdempotencyRecord } from './record.ts'
import {
  deleteIdempotencyRecord,
  findIdempotencyRecord,
  insertIdempotencyRecord,
  replaceIdempotencyRecord,
} from './repository.ts'

/** A request that is still in progress after this long may be attempted anew. */
const abandonedAfterMs = 60_000

export type Reservation =
  | Readonly<{ outcome: 'in-progress' | 'other-request' }>
  /** `attempt` is what this request completes or releases, and no other. */
  | Readonly<{ outcome: 'reserved'; attempt: IdempotencyRecord }>
  | Readonly<{ outcome: 'done'; status: number; body: unknown }>

/**
 * Takes the key for one request, or says what became of the request that took it before. One that has been in progress
 * for a minute is taken over: its process died, or is so slow that it must not end any more, which
 * {@link completeIdempotent} sees to.
 * @throws {IntegrityError} where the record was changed outside of Hasp.
 */
export async function reserveIdempotent(
  db: Db,
  ring: SecretRing,
  request: Readonly<{
    orgId: string
    idempotencyKey: string
    /** Of the request, under each secret of the ring, the current one first. */
    digests: readonly Buffer[]
    now: Date
  }>,
): Promise<Reservation> {
  const { now, digests, ...taken } = request
  const [digest] = digests
  if (digest === undefined) throw new Error('The secret ring has no current secret.')
  const attempt: IdempotencyRecord = {
    ...taken,
    digest,
    attempt: newId(),
    status: inProgress,
    body: 'null',
    createdAt: now,
  }
  if (await insertIdempotencyRecord(db, ring, attempt)) return { outcome: 'reserved', attempt }
  const earlier = await findIdempotencyRecord(db, ring, request)
  if (earlier === undefined) return { outcome: 'in-progress' }
  if (!digests.some((known) => known.equals(earlier.digest))) return { outcome: 'other-request' }
  if (earlier.status !== inProgress) {
    return { outcome: 'done', status: earlier.status, body: JSON.parse(earlier.body) }
  }
  const isAbandoned = now.getTime() - earlier.createdAt.getTime() >= abandonedAfterMs
  const isTaken = isAbandoned && (await replaceIdempotencyRecord(db, ring, earlier, attempt))
  return isTaken ? { outcome: 'reserved', attempt } : { outcome: 'in-progress' }
}

/**
 * Keeps the answer for repeats; in the transaction of the change, so that both are durable or neither.
 * @returns false when a later attempt has taken the key over: the change must then be undone.
 */
export async function completeIdempotent(
  trx: Db,
  ring: SecretRing,
  attempt: IdempotencyRecord,
  answer: Readonly<{ status: number; body: unknown }>,
): Promise<boolean> {
  const { status } = answer
  const body = JSON.stringify(answer.body ?? null)
  return replaceIdempotencyRecord(trx, ring, attempt, { ...attempt, status, body })
}

/**
 * Frees the key after a failure, for another try. Where the change did commit after all (the database's answer to the
 * commit was lost), its record is complete, and stays.
 */
export async function releaseIdempotent(db: Db, attempt: IdempotencyRecord): Promise<void> {
  await deleteIdempotencyRecord(db, attempt)
}
