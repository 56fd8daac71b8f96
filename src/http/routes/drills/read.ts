import { findDrill } from '#keks/drill/repository.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { problemReplies } from '#http/schemas.ts'
import { DrillParams, DrillReply, drillReply } from './drill-schema.ts'

/** `GET /keks/:id/drills/:drillId` */
export function readDrillRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'readDrill',
    summary: 'Shows a revocation drill with what it has measured so far.',
    tags: ['Drills'],
    params: DrillParams,
    response: { 200: DrillReply, ...problemReplies },
  }
  app.get('/keks/:id/drills/:drillId', { schema }, async (request) => {
    const { id: kekId, drillId } = request.params
    const { orgId } = callerOf(request)
    return drillReply(await findDrill(deps.db.kysely, { orgId, kekId, drillId }, deps.now()))
  })
}
