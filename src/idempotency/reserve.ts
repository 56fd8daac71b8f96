import type { Db } from '#db/database.ts'
import {
  deleteIdempotencyRecord,
  findIdempotencyRecord,
  finishIdempotencyRecord,
  insertIdempotencyRecord,
} from './repository.ts'

/** Status of a record whose request is still being carried out. */
const inProgress = 0
/** A request that a crash left in progress may be repeated after this long. */
const abandonedAfterMs = 60_000

export type Reservation =
  | Readonly<{ outcome: 'reserved' | 'in-progress' | 'other-request' }>
  | Readonly<{ outcome: 'done'; status: number; body: unknown }>

type IdempotencyKey = Readonly<{ orgId: string; idempotencyKey: string }>

/** Takes the key for one request, or says what became of the request that took it before. */
export async function reserveIdempotent(
  db: Db,
  request: IdempotencyKey & { digest: Buffer; now: Date },
): Promise<Reservation> {
  if (await insertIdempotencyRecord(db, { ...request, status: inProgress })) return { outcome: 'reserved' }
  const earlier = await findIdempotencyRecord(db, request)
  if (earlier === undefined) return { outcome: 'in-progress' }
  if (!earlier.digest.equals(request.digest)) return { outcome: 'other-request' }
  if (earlier.status !== inProgress) return { outcome: 'done', status: earlier.status, body: earlier.body }
  if (request.now.getTime() - earlier.createdAt.getTime() < abandonedAfterMs)
    return { outcome: 'in-progress' }
  const isFreed = await deleteIdempotencyRecord(db, request, earlier.createdAt)
  return isFreed && (await insertIdempotencyRecord(db, { ...request, status: inProgress }))
    ? { outcome: 'reserved' }
    : { outcome: 'in-progress' }
}

/** Keeps the answer for repeats. */
export async function completeIdempotent(
  db: Db,
  answer: IdempotencyKey & { status: number; body: unknown },
): Promise<void> {
  await finishIdempotencyRecord(db, answer)
}

/** Frees the key after a failure: nothing was changed, so another try is welcome. */
export async function releaseIdempotent(db: Db, request: IdempotencyKey): Promise<void> {
  await deleteIdempotencyRecord(db, request)
}
