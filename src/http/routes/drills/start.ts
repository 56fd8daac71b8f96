import type { BeforeCommit } from '#db/before-commit.ts'
import type { Drill } from '#keks/drill/drill.ts'
import { startDrill } from '#keks/drill/start.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { IdParams, problemReplies, WriteHeaders } from '#http/schemas.ts'
import { DrillReply, drillReply, NewDrill } from './drill-schema.ts'

/** `POST /keks/:id/drills`: sends canaries through the KEK while its owner withdraws and restores it. */
export function startDrillRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'startDrill',
    summary: 'Starts a revocation drill: canaries ask for unwraps until the KEK was withdrawn and restored.',
    tags: ['Drills'],
    headers: WriteHeaders,
    params: IdParams,
    body: NewDrill,
    response: { 201: DrillReply, ...problemReplies },
  }
  app.post('/keks/:id/drills', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 201,
      carryOut: (beforeCommit: BeforeCommit<Drill>) =>
        startDrill(deps, { ...callerOf(request), kekId: request.params.id, ...request.body, beforeCommit }),
      answer: (_, drill) => drillReply(drill),
    }),
  )
}
