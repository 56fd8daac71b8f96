import type { BeforeCommit } from '#db/before-commit.ts'
import type { Drill } from '#keks/drill/drill.ts'
import { askDrillToEnd, markDrill } from '#keks/drill/mark.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { problemReplies, WriteHeaders } from '#http/schemas.ts'
import { DrillParams, DrillReply, drillReply, NewMark } from './drill-schema.ts'

/** `POST /keks/:id/drills/:drillId/marks`: the KEK was withdrawn, is being restored, or was. */
export function markDrillRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'markDrill',
    summary:
      'Notes when the cloud answered that the KEK is withdrawn, or restored, or that it is about to be.',
    tags: ['Drills'],
    headers: WriteHeaders,
    params: DrillParams,
    body: NewMark,
    response: { 200: DrillReply, ...problemReplies },
  }
  app.post('/keks/:id/drills/:drillId/marks', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<Drill>) => {
        const { id: kekId, drillId } = request.params
        const { mark, at } = request.body
        const told = at === undefined ? undefined : new Date(at)
        return markDrill(deps, { ...callerOf(request), kekId, drillId, mark, at: told, beforeCommit })
      },
      answer: (_, drill) => drillReply(drill),
    }),
  )
}

/** `POST /keks/:id/drills/:drillId/end`: no more canaries. */
export function endDrillRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'endDrill',
    summary: 'Ends a revocation drill before its time, within a second.',
    tags: ['Drills'],
    headers: WriteHeaders,
    params: DrillParams,
    response: { 200: DrillReply, ...problemReplies },
  }
  app.post('/keks/:id/drills/:drillId/end', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<Drill>) => {
        const { id: kekId, drillId } = request.params
        return askDrillToEnd(deps, { ...callerOf(request), kekId, drillId, beforeCommit })
      },
      answer: (_, drill) => drillReply(drill),
    }),
  )
}
