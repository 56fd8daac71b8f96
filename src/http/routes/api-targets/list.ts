import { Type } from 'typebox'
import { decodeCursor } from '#db/keyset.ts'
import { readTargets } from '#targets/read.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { PageQuery, problemReplies } from '#http/schemas.ts'
import { targetReply, TargetReply } from './target-schema.ts'

/** `GET /api-targets`: the organisation's targets, oldest first. Never decrypts. */
export function listTargetsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listTargets',
    summary: 'Lists the targets, oldest first; opens nothing.',
    tags: ['API targets'],
    querystring: Type.Object(
      { ...PageQuery.properties, provider: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,50}$' })) },
      { additionalProperties: false },
    ),
    response: { 200: ListingOf(TargetReply), ...problemReplies },
  }
  app.get('/api-targets', { schema }, async (request) => {
    const { limit, cursor, provider } = request.query
    const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
    const { orgId } = callerOf(request)
    const rows = await readTargets(deps, orgId, { afterId, limit, provider })
    return listingOf(deps, { orgId, table: 'targets', rows, limit }, targetReply)
  })
}
