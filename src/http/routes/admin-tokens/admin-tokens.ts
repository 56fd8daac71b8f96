import { Type, type Static } from 'typebox'
import { summarizeAdminToken } from '#access/admin-token.ts'
import { issueAdminToken, revokeAdminToken } from '#access/issue-admin-token.ts'
import { listAdminTokens } from '#access/admin-token-repository.ts'
import { decodeCursor, pageOf } from '#db/keyset.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { expiryOf } from '#http/expiry.ts'
import { once } from '#http/idempotency.ts'
import {
  Id,
  IdParams,
  Name,
  Nullable,
  PageOf,
  PageQuery,
  problemReplies,
  Time,
  WriteHeaders,
} from '#http/schemas.ts'

const fields = {
  id: Id,
  name: Type.String(),
  hint: Type.String(),
  createdAt: Time,
  expiresAt: Nullable(Time),
  revokedAt: Nullable(Time),
}
export const AdminTokenReply = Type.Object(fields, { title: 'AdminToken' })
export const IssuedAdminTokenReply = Type.Object({
  ...fields,
  token: Nullable(Type.String({ description: 'Shown this once.' })),
})
type Issued = Static<typeof IssuedAdminTokenReply>

/** `GET`, `POST /admin-tokens` and `POST /admin-tokens/:id/revoke`. */
export function adminTokenRoutes(app: ApiServer, deps: ApiDeps): void {
  const tags = ['Admin tokens']
  app.get(
    '/admin-tokens',
    {
      schema: {
        operationId: 'listAdminTokens',
        summary: 'Lists the admin tokens, oldest first.',
        tags,
        querystring: PageQuery,
        response: { 200: PageOf(AdminTokenReply), ...problemReplies },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
      const rows = await listAdminTokens(deps.db.kysely, deps.ring, callerOf(request).orgId, {
        afterId,
        limit,
      })
      const page = pageOf(rows, limit)
      return { ...page, items: page.items.map((token) => summarizeAdminToken(token)) }
    },
  )
  app.post(
    '/admin-tokens',
    {
      schema: {
        operationId: 'issueAdminToken',
        summary: 'Makes an admin token; it is in this answer and nowhere else.',
        tags,
        headers: WriteHeaders,
        body: Type.Object(
          { name: Name, expiresAt: Type.Optional(Nullable(Time)) },
          { additionalProperties: false },
        ),
        response: { 201: IssuedAdminTokenReply, ...problemReplies },
      },
    },
    (request, reply) =>
      once<Issued>(
        deps,
        request,
        reply,
        201,
        async () => {
          const { name, expiresAt } = request.body
          const { adminToken, token } = await issueAdminToken(deps, {
            ...callerOf(request),
            name,
            expiresAt: expiryOf(expiresAt, deps.now()),
          })
          return { ...summarizeAdminToken(adminToken), token }
        },
        (answer) => ({ ...answer, token: null }),
      ),
  )
  app.post(
    '/admin-tokens/:id/revoke',
    {
      schema: {
        operationId: 'revokeAdminToken',
        summary: 'Revokes an admin token at once; the last usable one stays.',
        tags,
        headers: WriteHeaders,
        params: IdParams,
        response: { 200: AdminTokenReply, ...problemReplies },
      },
    },
    (request, reply) =>
      once(deps, request, reply, 200, async () =>
        summarizeAdminToken(
          await revokeAdminToken(deps, { ...callerOf(request), adminTokenId: request.params.id }),
        ),
      ),
  )
}
