import { detailsOf, readTarget } from '#targets/read.ts'
import { rotateCredential } from '#targets/rotate-credential.ts'
import type { Target } from '#targets/target.ts'
import { updateTarget } from '#targets/update.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
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
    once(deps, request, reply, {
      status: 200,
      carryOut: async (beforeCommit: BeforeCommit<Target>) => {
        const { orgId, actor } = callerOf(request)
        const { name, models, credential, validate = true } = request.body
        const targetId = request.params.id
        const changes = {
          ...(name === undefined ? {} : { name }),
          ...(models === undefined ? {} : { models }),
        }
        if (credential !== undefined) {
          const rotation = { credential: credentialOf(request), isValidated: validate, changes }
          const { target } = await rotateCredential(deps.targets, {
            orgId,
            actor,
            targetId,
            ...rotation,
            beforeCommit: (trx, stored) => beforeCommit(trx, stored.target),
          })
          return target
        }
        if (Object.keys(changes).length === 0) return (await readTarget(deps, orgId, targetId)).target
        return updateTarget(deps, { orgId, actor, targetId, changes, beforeCommit })
      },
      answer: async (trx, target) => targetReply(await detailsOf(deps, trx, target)),
    }),
  )
}
