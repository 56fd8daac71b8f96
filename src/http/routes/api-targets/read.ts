import { readTarget } from '#targets/read.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { IdParams, problemReplies } from '#http/schemas.ts'
import { targetReply, TargetReply } from './target-schema.ts'

/** `GET /api-targets/:id` */
export function readTargetRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'readTarget',
    summary: 'Shows a target with its credential versions; opens nothing.',
    tags: ['API targets'],
    params: IdParams,
    response: { 200: TargetReply, ...problemReplies },
  }
  app.get('/api-targets/:id', { schema }, async (request) =>
    targetReply(await readTarget(deps, callerOf(request).orgId, request.params.id)),
  )
}
