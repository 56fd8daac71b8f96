import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BeforeCommit } from '#db/before-commit.ts'
import type { Db } from '#db/database.ts'
import type { IdempotencyRecord } from '#idempotency/record.ts'
import { completeIdempotent, releaseIdempotent, reserveIdempotent } from '#idempotency/reserve.ts'
import { tokenDigests } from '#integrity/token.ts'
import type { ApiDeps } from './api-server.ts'
import { callerOf } from './authenticate.ts'
import { RequestError } from './request-error.ts'
import { digestBodyOf } from './secret-body.ts'

type Deps = Pick<ApiDeps, 'db' | 'ring' | 'now'>

/** An operation that changes something, as {@link once} carries it out. */
export type Change<Outcome, Answer> = Readonly<{
  /** HTTP status of its answer. */
  status: number
  /** Hands `beforeCommit` to the feature, which calls it at the end of the change's transaction. */
  carryOut: (beforeCommit: BeforeCommit<Outcome>) => Promise<Outcome>
  /** The answer to the caller; whatever it reads, it reads in the transaction of the change. */
  answer: (db: Db, outcome: Outcome) => Answer | Promise<Answer>
  /** What may be stored of the answer: a token that is shown once is not in it. */
  forReplay?: (answer: Answer) => unknown
}>

/**
 * Carries a change out once for each `Idempotency-Key` of an organisation: a repeat gets the first answer again
 * (header `idempotency-replayed: true`), a different request under the same key is refused, and a failure leaves
 * the key free for another try. The answer is stored by the transaction that makes the change, so that a process that
 * dies has either done both or neither. Without the header, simply carries it out.
 */
export async function once<Outcome, Answer>(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  change: Change<Outcome, Answer>,
): Promise<Answer> {
  const reserved = await reserve(deps, request)
  reply.status(change.status)
  if (reserved?.outcome === 'done') {
    reply.status(reserved.status).header('idempotency-replayed', 'true')
    // Stored from an answer of this very operation, proven by its mac, and checked by the response schema.
    return reserved.body as Answer
  }
  const answers: Answer[] = []
  const settle: BeforeCommit<Outcome> = async (trx, outcome) => {
    const answer = await change.answer(trx, outcome)
    if (reserved !== null) await complete(deps, trx, reserved.attempt, change, answer)
    answers.push(answer)
  }
  try {
    const outcome = await change.carryOut(settle)
    // There was nothing to change, so that there was no transaction either.
    if (answers.length === 0) await settle(deps.db.kysely, outcome)
  } catch (error) {
    // A key that can not be freed now is free in a minute; what failed is what the caller must hear.
    if (reserved !== null) await releaseIdempotent(deps.db.kysely, reserved.attempt).catch(() => {})
    throw error
  }
  // The last one: a change that was made anew has answered more than once.
  return answers.at(-1) as Answer
}

/** Null for a request without the header. */
async function reserve(deps: Deps, request: FastifyRequest) {
  const given = request.headers['idempotency-key']
  if (typeof given !== 'string') return null
  const { orgId } = callerOf(request)
  const reservation = await reserveIdempotent(deps.db.kysely, deps.ring, {
    orgId,
    idempotencyKey: given,
    digests: tokenDigests(deps.ring, `${request.method} ${request.url}\n${digestBodyOf(request)}`),
    now: deps.now(),
  })
  switch (reservation.outcome) {
    case 'other-request':
      throw new RequestError(
        'idempotency_key_reused',
        'This Idempotency-Key came with a different request before: take a new one.',
      )
    case 'in-progress':
      throw inProgress()
    default:
      return reservation
  }
}

async function complete<Answer>(
  deps: Deps,
  trx: Db,
  attempt: IdempotencyRecord,
  { status, forReplay = (answer) => answer }: Pick<Change<never, Answer>, 'status' | 'forReplay'>,
  answer: Answer,
): Promise<void> {
  const body = forReplay(answer)
  if (!(await completeIdempotent(trx, deps.ring, attempt, { status, body }))) throw inProgress()
}

function inProgress(): RequestError {
  return new RequestError(
    'idempotency_in_progress',
    'A request with this Idempotency-Key is still being carried out: ask again in a second.',
  )
}
