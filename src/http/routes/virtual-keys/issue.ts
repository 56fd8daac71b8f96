import type { Static } from 'typebox'
import { issueVirtualKey, type IssuedVirtualKey } from '#access/issue-virtual-key.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { expiryOf } from '#http/expiry.ts'
import { once } from '#http/idempotency.ts'
import { problemReplies, WriteHeaders } from '#http/schemas.ts'
import { IssuedVirtualKeyReply, NewVirtualKey, scopeOf, virtualKeyReply } from './virtual-key-schema.ts'

type Issued = Static<typeof IssuedVirtualKeyReply>

/** `POST /virtual-keys`: issues a token for an agent; it is in this answer and nowhere else. */
export function issueVirtualKeyRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'issueVirtualKey',
    summary: 'Issues a token for an agent; it is in this answer and nowhere else.',
    tags: ['Virtual keys'],
    headers: WriteHeaders,
    body: NewVirtualKey,
    response: { 201: IssuedVirtualKeyReply, ...problemReplies },
  }
  app.post('/virtual-keys', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 201,
      carryOut: (beforeCommit: BeforeCommit<IssuedVirtualKey>) => {
        const { name, targetIds, models = 'all', expiresAt } = request.body
        return issueVirtualKey(deps, {
          ...callerOf(request),
          name,
          targetIds: scopeOf(targetIds),
          models: scopeOf(models),
          expiresAt: expiryOf(expiresAt, deps.now()),
          beforeCommit,
        })
      },
      answer: (_, { virtualKey, token }): Issued => ({ ...virtualKeyReply(virtualKey, deps.now()), token }),
      forReplay: (answer) => ({ ...answer, token: null }),
    }),
  )
}
