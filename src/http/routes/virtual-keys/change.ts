import type { VirtualKey } from '#access/virtual-key.ts'
import { revokeVirtualKey, updateVirtualKey } from '#access/issue-virtual-key.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { expiryOf } from '#http/expiry.ts'
import { once } from '#http/idempotency.ts'
import { IdParams, problemReplies, WriteHeaders } from '#http/schemas.ts'
import { scopeOf, virtualKeyReply, VirtualKeyChanges, VirtualKeyReply } from './virtual-key-schema.ts'

/** `PATCH /virtual-keys/:id`: changes name, scope or expiry; holds for the very next request on every node. */
export function updateVirtualKeyRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'updateVirtualKey',
    summary: 'Changes name, scope or expiry; holds for the next request on every node.',
    tags: ['Virtual keys'],
    headers: WriteHeaders,
    params: IdParams,
    body: VirtualKeyChanges,
    response: { 200: VirtualKeyReply, ...problemReplies },
  }
  app.patch('/virtual-keys/:id', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<VirtualKey>) => {
        const { name, targetIds, models, expiresAt } = request.body
        const changes = {
          ...(name === undefined ? {} : { name }),
          ...(targetIds === undefined ? {} : { targetIds: scopeOf(targetIds) }),
          ...(models === undefined ? {} : { models: scopeOf(models) }),
          ...(expiresAt === undefined ? {} : { expiresAt: expiryOf(expiresAt, deps.now()) }),
        }
        const virtualKeyId = request.params.id
        return updateVirtualKey(deps, { ...callerOf(request), virtualKeyId, changes, beforeCommit })
      },
      answer: (_, changed) => virtualKeyReply(changed, deps.now()),
    }),
  )
}

/** `POST /virtual-keys/:id/revoke`: for good, at once, on every node. */
export function revokeVirtualKeyRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'revokeVirtualKey',
    summary: 'Revokes a virtual key for good, on every node at once.',
    tags: ['Virtual keys'],
    headers: WriteHeaders,
    params: IdParams,
    response: { 200: VirtualKeyReply, ...problemReplies },
  }
  app.post('/virtual-keys/:id/revoke', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<VirtualKey>) =>
        revokeVirtualKey(deps, { ...callerOf(request), virtualKeyId: request.params.id, beforeCommit }),
      answer: (_, revoked) => virtualKeyReply(revoked, deps.now()),
    }),
  )
}
