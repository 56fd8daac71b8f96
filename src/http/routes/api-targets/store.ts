import { detailsOf } from '#targets/read.ts'
import type { StoredVersion } from '#targets/commit-version.ts'
import { storeTarget } from '#targets/store.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { problemReplies, WriteHeaders } from '#http/schemas.ts'
import { credentialOf } from '#http/secret-body.ts'
import { NewTarget, targetReply, TargetReply } from './target-schema.ts'

/** `POST /api-targets`: seals a provider credential under the organisation's own KEK. */
export function storeTargetRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'storeTarget',
    summary: 'Seals a provider’s credential under a KEK of the organisation.',
    tags: ['API targets'],
    headers: WriteHeaders,
    body: NewTarget,
    response: { 201: TargetReply, ...problemReplies },
  }
  app.post('/api-targets', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 201,
      carryOut: (beforeCommit: BeforeCommit<StoredVersion>) => {
        const {
          name,
          provider,
          environment = 'production',
          baseUrl,
          models = [],
          kekId,
          validate = true,
        } = request.body
        return storeTarget(deps.targets, {
          ...callerOf(request),
          name,
          provider,
          environment,
          baseUrl,
          models,
          kekId,
          credential: credentialOf(request),
          isValidated: validate,
          beforeCommit,
        })
      },
      answer: async (trx, { target }) => targetReply(await detailsOf(deps, trx, target)),
    }),
  )
}
