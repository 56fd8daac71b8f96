import { Type } from 'typebox'
import { findOrganisation } from '#access/organisation-repository.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { Id, problemReplies, Time } from '#http/schemas.ts'

/** `GET /organisation`: whose token this is. */
export function readOrganisationRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'readOrganisation',
    summary: 'Tells whose token this is.',
    tags: ['Organisation'],
    response: { 200: Type.Object({ id: Id, name: Type.String(), createdAt: Time }), ...problemReplies },
  }
  app.get('/organisation', { schema }, async (request) => {
    const organisation = await findOrganisation(deps.db.kysely, callerOf(request).orgId)
    return { ...organisation, createdAt: organisation.createdAt.toISOString() }
  })
}
