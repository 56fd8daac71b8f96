import { Type } from 'typebox'
import { decodeCursor } from '#db/keyset.ts'
import { findJobStatus, listJobs } from '#jobs/repository.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { Id, IdParams, PageQuery, problemReplies } from '#http/schemas.ts'
import { lifecycleJobReply, LifecycleJobReply } from './lifecycle-job-schema.ts'

/** `GET /lifecycle-jobs`: the organisation's jobs with their progress, newest first. */
export function listLifecycleJobsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listLifecycleJobs',
    summary: 'Lists lifecycle jobs with their progress, newest first.',
    tags: ['Lifecycle jobs'],
    querystring: Type.Object(
      { ...PageQuery.properties, kekId: Type.Optional(Id) },
      { additionalProperties: false },
    ),
    response: { 200: ListingOf(LifecycleJobReply), ...problemReplies },
  }
  app.get('/lifecycle-jobs', { schema }, async (request) => {
    const { limit, cursor, kekId } = request.query
    const { orgId } = callerOf(request)
    const beforeId = cursor === undefined ? undefined : decodeCursor(cursor)
    const rows = await listJobs(deps.db.kysely, deps.ring, orgId, { beforeId, limit, kekId })
    return listingOf(deps, { orgId, table: 'lifecycle_jobs', rows, limit }, lifecycleJobReply)
  })
}

/** `GET /lifecycle-jobs/:id` */
export function readLifecycleJobRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'readLifecycleJob',
    summary: 'Shows a lifecycle job with its progress.',
    tags: ['Lifecycle jobs'],
    params: IdParams,
    response: { 200: LifecycleJobReply, ...problemReplies },
  }
  app.get('/lifecycle-jobs/:id', { schema }, async (request) => {
    const { orgId } = callerOf(request)
    return lifecycleJobReply(await findJobStatus(deps.db.kysely, deps.ring, orgId, request.params.id))
  })
}
