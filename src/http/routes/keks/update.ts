import type { Kek } from '#keks/kek.ts'
import { updateKek } from '#keks/update.ts'
import { retireKek } from '#keks/retire.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { IdParams, problemReplies, WriteHeaders } from '#http/schemas.ts'
import { findTargetsOfOrg } from '#targets/repository.ts'
import { KekChanges, kekReply, KekReply } from './kek-schema.ts'

/** `PATCH /keks/:id`: changes the rules of its use. */
export function updateKekRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'updateKek',
    summary: 'Changes the rules of a KEK’s use.',
    tags: ['KEKs'],
    headers: WriteHeaders,
    params: IdParams,
    body: KekChanges,
    response: { 200: KekReply, ...problemReplies },
  }
  app.patch('/keks/:id', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<Kek>) => {
        const kekId = request.params.id
        return updateKek(deps, { ...callerOf(request), kekId, rules: request.body, beforeCommit })
      },
      answer: (_, kek) => kekReply(kek),
    }),
  )
}

/** `POST /keks/:id/retire`: takes a KEK out of use that seals nothing any more. */
export function retireKekRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'retireKek',
    summary: 'Takes a KEK out of use that seals nothing any more.',
    tags: ['KEKs'],
    headers: WriteHeaders,
    params: IdParams,
    response: { 200: KekReply, ...problemReplies },
  }
  app.post('/keks/:id/retire', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<Kek>) =>
        retireKek(
          { ...deps, namesOfTargets: namesOfTargetsBy(deps.ring) },
          { ...callerOf(request), kekId: request.params.id, beforeCommit },
        ),
      answer: (_, kek) => kekReply(kek),
    }),
  )
}

/** A row that is not ours has no name. */
function namesOfTargetsBy(ring: ApiDeps['ring']): Parameters<typeof retireKek>[0]['namesOfTargets'] {
  return async (db, orgId, targetIds) => {
    const targets = await findTargetsOfOrg(db, ring, orgId, targetIds, () => {})
    return new Map(targets.map(({ id, name }) => [id, name]))
  }
}
