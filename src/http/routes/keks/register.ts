import type { Kek } from '#keks/kek.ts'
import { registerKek } from '#keks/register.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
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
    once(deps, request, reply, {
      status: 201,
      carryOut: (beforeCommit: BeforeCommit<Kek>) => {
        const { orgId, actor } = callerOf(request)
        const { name, provider, keyArn, roleArn, keyName, identityProvider, keyId, tenantId, ...rules } =
          request.body
        const access = { keyArn, roleArn, keyName, identityProvider, keyId, tenantId }
        return registerKek(
          { ...deps, accessKinds: deps.kekAccessKinds },
          { orgId, actor, name, provider, access, ...defaultRules, ...rules, beforeCommit },
        )
      },
      answer: (_, kek) =>
        kekReply(kek, {
          grant: deps.kekAccessKinds.get(kek.access.provider)?.grantFor(kek.access, kek.orgId, kek.id),
        }),
    }),
  )
}
