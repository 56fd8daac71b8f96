import { Type, type Static } from 'typebox'
import { summarizeAdminToken, type AdminToken } from '#access/admin-token.ts'
import { issueAdminToken, revokeAdminToken, type IssuedAdminToken } from '#access/issue-admin-token.ts'
import { listAdminTokens } from '#access/admin-token-repository.ts'
import { decodeCursor } from '#db/keyset.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { expiryOf } from '#http/expiry.ts'
import { once } from '#http/idempotency.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { Id, IdParams, Name, Nullable, PageQuery, problemReplies, Time, WriteHeaders } from '#http/schemas.ts'

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
        response: { 200: ListingOf(AdminTokenReply), ...problemReplies },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
      const { orgId } = callerOf(request)
      const rows = await listAdminTokens(deps.db.kysely, deps.ring, orgId, { afterId, limit })
      return listingOf(deps, { orgId, table: 'admin_tokens', rows, limit }, summarizeAdminToken)
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
      once(deps, request, reply, {
        status: 201,
        carryOut: (beforeCommit: BeforeCommit<IssuedAdminToken>) => {
          const { name, expiresAt } = request.body
          return issueAdminToken(deps, {
            ...callerOf(request),
            name,
            expiresAt: expiryOf(expiresAt, deps.now()),
            beforeCommit,
          })
        },
        answer: (_, { adminToken, token }): Issued => ({ ...summarizeAdminToken(adminToken), token }),
        forReplay: (answer) => ({ ...answer, token: null }),
      }),
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
      once(deps, request, reply, {
        status: 200,
        carryOut: (beforeCommit: BeforeCommit<AdminToken>) =>
          revokeAdminToken(deps, { ...callerOf(request), adminTokenId: request.params.id, beforeCommit }),
        answer: (_, revoked) => summarizeAdminToken(revoked),
      }),
  )
}
