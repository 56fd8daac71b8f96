import { detailsOf } from '#targets/read.ts'
import { storeTarget } from '#targets/store.ts'
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
    once(deps, request, reply, 201, async () => {
      const { orgId, actor } = callerOf(request)
      const {
        name,
        provider,
        environment = 'production',
        baseUrl,
        models = [],
        kekId,
        validate = true,
      } = request.body
      const credential = credentialOf(request)
      const { target } = await storeTarget(deps.targets, {
        orgId,
        actor,
        name,
        provider,
        environment,
        baseUrl,
        models,
        kekId,
        credential,
        isValidated: validate,
      })
      const details = await detailsOf(deps, orgId, target)
      return targetReply(target, details.credentials, details.health)
    }),
  )
}
