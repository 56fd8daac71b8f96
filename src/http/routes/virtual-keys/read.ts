import { findVirtualKey, listVirtualKeys } from '#access/virtual-key-repository.ts'
import { decodeCursor } from '#db/keyset.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { IdParams, PageQuery, problemReplies } from '#http/schemas.ts'
import { virtualKeyReply, VirtualKeyReply } from './virtual-key-schema.ts'

/** `GET /virtual-keys`: the organisation's virtual keys, oldest first. */
export function listVirtualKeysRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listVirtualKeys',
    summary: 'Lists the virtual keys, oldest first.',
    tags: ['Virtual keys'],
    querystring: PageQuery,
    response: { 200: ListingOf(VirtualKeyReply), ...problemReplies },
  }
  app.get('/virtual-keys', { schema }, async (request) => {
    const { limit, cursor } = request.query
    const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
    const { orgId } = callerOf(request)
    const rows = await listVirtualKeys(deps.db.kysely, deps.ring, orgId, { afterId, limit })
    return listingOf(deps, { orgId, table: 'virtual_keys', rows, limit }, (virtualKey) =>
      virtualKeyReply(virtualKey, deps.now()),
    )
  })
}

/** `GET /virtual-keys/:id` */
export function readVirtualKeyRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'readVirtualKey',
    summary: 'Shows a virtual key; never its token.',
    tags: ['Virtual keys'],
    params: IdParams,
    response: { 200: VirtualKeyReply, ...problemReplies },
  }
  app.get('/virtual-keys/:id', { schema }, async (request) =>
    virtualKeyReply(
      await findVirtualKey(deps.db.kysely, deps.ring, callerOf(request).orgId, request.params.id),
      deps.now(),
    ),
  )
}
