import type { FastifyReply, FastifyRequest } from 'fastify'
import { tokenDigests } from '#integrity/token.ts'
import { callerOf } from './authenticate.ts'
import type { ApiDeps } from './api-server.ts'
import { completeIdempotent, reserveIdempotent, releaseIdempotent } from '#idempotency/reserve.ts'
import { digestBodyOf } from './secret-body.ts'
import { RequestError } from './request-error.ts'

/**
 * Carries a change out once for each `Idempotency-Key` of an organisation: a repeat gets the first answer again
 * (header `idempotency-replayed: true`), a different request under the same key is refused, and a failure leaves
 * the key free for another try. Without the header, simply carries it out.
 *
 * `forReplay` is what may be stored of the answer: a token that is shown once is not in it.
 */
export async function once<Answer>(
  deps: Pick<ApiDeps, 'db' | 'ring' | 'now'>,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  carryOut: () => Promise<Answer>,
  forReplay: (answer: Answer) => unknown = (answer) => answer,
): Promise<Answer> {
  const given = request.headers['idempotency-key']
  reply.status(status)
  if (typeof given !== 'string') return carryOut()

  const { orgId } = callerOf(request)
  const [digest] = tokenDigests(deps.ring, `${request.method} ${request.url}\n${digestBodyOf(request)}`)
  if (digest === undefined) throw new Error('The secret ring has no current secret.')
  const reservation = await reserveIdempotent(deps.db.kysely, {
    orgId,
    idempotencyKey: given,
    digest,
    now: deps.now(),
  })
  switch (reservation.outcome) {
    case 'other-request':
      throw new RequestError(
        'idempotency_key_reused',
        'This Idempotency-Key came with a different request before: take a new one.',
      )
    case 'in-progress':
      throw new RequestError(
        'idempotency_in_progress',
        'A request with this Idempotency-Key is still being carried out: ask again in a second.',
      )
    case 'done':
      reply.status(reservation.status).header('idempotency-replayed', 'true')
      // Stored from an answer of this very operation, and checked by the response schema on its way out.
      return reservation.body as Answer
    case 'reserved':
  }
  const answer = await carryOut().catch(async (error: unknown) => {
    await releaseIdempotent(deps.db.kysely, { orgId, idempotencyKey: given })
    throw error
  })
  await completeIdempotent(deps.db.kysely, { orgId, idempotencyKey: given, status, body: forReplay(answer) })
  return answer
}
