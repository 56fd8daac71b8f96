import { decodeCursor } from '#db/keyset.ts'
import { findProbe } from '#keks/probe-repository.ts'
import { findKek, listKeks } from '#keks/repository.ts'
import { findLastVerdict, findLogSeen } from '#keks/verification-repository.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { IdParams, PageQuery, problemReplies } from '#http/schemas.ts'
import { kekReply, KekReply } from './kek-schema.ts'
import { verificationSummary } from './verification-schema.ts'

/** `GET /keks`: the organisation's KEKs, oldest first. */
export function listKeksRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listKeks',
    summary: 'Lists the KEKs, oldest first.',
    tags: ['KEKs'],
    querystring: PageQuery,
    response: { 200: ListingOf(KekReply), ...problemReplies },
  }
  app.get('/keks', { schema }, async (request) => {
    const { limit, cursor } = request.query
    const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
    const { orgId } = callerOf(request)
    const rows = await listKeks(deps.db.kysely, deps.ring, orgId, { afterId, limit })
    return listingOf(deps, { orgId, table: 'keks', rows, limit }, (kek) => kekReply(kek))
  })
}

/** `GET /keks/:id`: with its last probe and what its owner is to grant. */
export function readKekRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'readKek',
    summary: 'Shows a KEK with its last probe and what its owner is to grant.',
    tags: ['KEKs'],
    params: IdParams,
    response: { 200: KekReply, ...problemReplies },
  }
  app.get('/keks/:id', { schema }, async (request) => {
    const { orgId } = callerOf(request)
    const kek = await findKek(deps.db.kysely, deps.ring, orgId, request.params.id)
    const probe = await findProbe(deps.db.kysely, orgId, kek.id)
    const last = await findLastVerdict(deps.db.kysely, deps.ring, { orgId, kekId: kek.id })
    return kekReply(kek, {
      grant: deps.kekAccessKinds.get(kek.access.provider)?.grantFor(kek.access, orgId, kek.id),
      verification: last === undefined ? null : verificationSummary(last),
      logSeenAt: await findLogSeen(deps.db.kysely, { orgId, kekId: kek.id }),
      probe: {
        lastProbeAt: probe?.last_probe_at?.toISOString() ?? null,
        outcome: probe?.last_outcome ?? null,
        kmsRequestId: probe?.last_kms_request_id ?? null,
      },
    })
  })
}
