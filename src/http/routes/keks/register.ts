import { registerKek } from '#keks/register.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { problemReplies, WriteHeaders } from '#http/schemas.ts'
import { defaultRules, kekReply, KekReply, NewKek } from './kek-schema.ts'

/** `POST /keks`: notes a KEK down and answers with what its owner is to grant. */
export function registerKekRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'registerKek',
    summary: 'Notes a KEK down and answers with what its owner is to grant.',
    tags: ['KEKs'],
    headers: WriteHeaders,
    body: NewKek,
    response: { 201: KekReply, ...problemReplies },
  }
  app.post('/keks', { schema }, (request, reply) =>
    once(deps, request, reply, 201, async () => {
      const { orgId, actor } = callerOf(request)
      const { name, provider, keyArn, roleArn, ...rules } = request.body
      const kek = await registerKek(
        { ...deps, accessKinds: deps.kekAccessKinds },
        { orgId, actor, name, provider, access: { keyArn, roleArn }, ...defaultRules, ...rules },
      )
      return kekReply(kek, { grant: deps.kekAccessKinds.get(provider)?.grantFor(kek.access, orgId) })
    }),
  )
}
