import { readTarget } from '#targets/read.ts'
import { rotateCredential } from '#targets/rotate-credential.ts'
import { updateTarget } from '#targets/update.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { IdParams, problemReplies, WriteHeaders } from '#http/schemas.ts'
import { credentialOf } from '#http/secret-body.ts'
import { TargetChanges, targetReply, TargetReply } from './target-schema.ts'

/** `PATCH /api-targets/:id`: renames it, changes its models, or puts a new credential version in use. */
export function updateTargetRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'updateTarget',
    summary: 'Renames a target, changes its models, or puts a new credential in use.',
    tags: ['API targets'],
    headers: WriteHeaders,
    params: IdParams,
    body: TargetChanges,
    response: { 200: TargetReply, ...problemReplies },
  }
  app.patch('/api-targets/:id', { schema }, (request, reply) =>
    once(deps, request, reply, 200, async () => {
      const { orgId, actor } = callerOf(request)
      const { name, models, credential, validate = true } = request.body
      const targetId = request.params.id
      const changes = {
        ...(name === undefined ? {} : { name }),
        ...(models === undefined ? {} : { models }),
      }
      if (credential !== undefined) {
        await rotateCredential(deps.targets, {
          orgId,
          actor,
          targetId,
          credential: credentialOf(request),
          isValidated: validate,
          changes,
        })
      } else if (Object.keys(changes).length > 0) {
        await updateTarget(deps, { orgId, actor, targetId, changes })
      }
      const details = await readTarget(deps, orgId, targetId)
      return targetReply(details.target, details.credentials, details.health)
    }),
  )
}
