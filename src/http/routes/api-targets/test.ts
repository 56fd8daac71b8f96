import { Type } from 'typebox'
import { testTarget } from '#targets/test-target.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { IdParams, Nullable, problemReplies, Time, WriteHeaders } from '#http/schemas.ts'

/** `POST /api-targets/:id/test`: opens the stored credential and shows it to its provider. */
export function testTargetRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'testTarget',
    summary: 'Opens the credential and shows it to its provider.',
    tags: ['API targets'],
    headers: WriteHeaders,
    params: IdParams,
    response: {
      200: Type.Object({
        verification: Type.Union([Type.Literal('accepted'), Type.Literal('rejected')]),
        detail: Nullable(Type.String()),
        verifiedAt: Time,
        kmsRequestId: Type.String({ description: 'Finds the unwrap in your own cloud log.' }),
      }),
      ...problemReplies,
    },
  }
  app.post('/api-targets/:id/test', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      // What is done is done at the KMS and the provider, not in a transaction: the answer is kept when it is there.
      carryOut: () => {
        const { orgId, actor } = callerOf(request)
        return testTarget(
          { ...deps.targets, unwrapper: deps.unwrapper },
          { orgId, actor, targetId: request.params.id },
        )
      },
      answer: (_, tested) => tested,
    }),
  )
}
