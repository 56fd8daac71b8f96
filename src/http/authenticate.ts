import type { FastifyRequest } from 'fastify'
import { actorOf, type Principal } from '#access/admin-token.ts'
import { AdminTokenDirectory } from '#access/admin-token-directory.ts'
import type { ApiDeps, ApiServer } from './api-server.ts'
import { refuseRepeatedHeaders } from './repeated-headers.ts'

const principals = new WeakMap<FastifyRequest, Principal>()

/** Lets nobody into this scope of routes without an admin token, before a body is read. */
export function requireAdminToken(app: ApiServer, deps: Pick<ApiDeps, 'lookups' | 'ring' | 'now'>): void {
  const adminTokens = new AdminTokenDirectory({ ...deps, db: deps.lookups })
  app.addHook('onRequest', async (request) => {
    refuseRepeatedHeaders(request.raw.rawHeaders)
    principals.set(request, await adminTokens.authenticate(request.headers.authorization))
  })
  // A body may take minutes to arrive: a token that was revoked meanwhile does nothing any more.
  app.addHook('preHandler', async (request) => {
    if (request.body !== undefined) await adminTokens.authenticate(request.headers.authorization)
  })
}

/** Who makes this request, as every operation wants to know it. */
export function callerOf(request: FastifyRequest): { orgId: string; actor: string } {
  const principal = principals.get(request)
  if (principal === undefined)
    throw new Error('This route is outside of the scope that requires an admin token.')
  return { orgId: principal.orgId, actor: actorOf(principal) }
}
