import { Type } from 'typebox'
import { deleteTarget } from '#targets/delete.ts'
import { retireCredential } from '#targets/retire-credential.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { Id, IdParams, problemReplies, WriteHeaders } from '#http/schemas.ts'

/** `DELETE /api-targets/:id`: erases the target and every version of its credential for good. */
export function deleteTargetRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'deleteTarget',
    summary: 'Erases a target and every version of its credential for good.',
    tags: ['API targets'],
    headers: WriteHeaders,
    params: IdParams,
    response: { 204: Type.Null(), ...problemReplies },
  }
  app.delete('/api-targets/:id', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 204,
      carryOut: (beforeCommit) =>
        deleteTarget(deps, { ...callerOf(request), targetId: request.params.id, beforeCommit }),
      answer: () => null,
    }),
  )
}

/** `DELETE /api-targets/:id/credentials/:generation`: erases a former version of its credential. */
export function retireCredentialRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'retireCredential',
    summary: 'Erases a former version of a credential for good.',
    tags: ['API targets'],
    headers: WriteHeaders,
    params: Type.Object(
      { id: Id, generation: Type.Integer({ minimum: 1 }) },
      { additionalProperties: false },
    ),
    response: { 204: Type.Null(), ...problemReplies },
  }
  app.delete('/api-targets/:id/credentials/:generation', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 204,
      carryOut: (beforeCommit) => {
        const { id, generation } = request.params
        return retireCredential(deps, { ...callerOf(request), targetId: id, generation, beforeCommit })
      },
      answer: () => null,
    }),
  )
}
