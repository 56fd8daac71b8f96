import type { BeforeCommit } from '#db/before-commit.ts'
import { startLifecycleJob } from '#jobs/start.ts'
import type { LifecycleJobStatus } from '#jobs/lifecycle-job.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { problemReplies, WriteHeaders } from '#http/schemas.ts'
import { lifecycleJobReply, LifecycleJobReply, NewLifecycleJob } from './lifecycle-job-schema.ts'

/** `POST /lifecycle-jobs`: starts a rewrap, a move or a re-encryption; some node carries it out. */
export function startLifecycleJobRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'startLifecycleJob',
    summary: 'Starts a rewrap, a move or a re-encryption of what a KEK wraps.',
    tags: ['Lifecycle jobs'],
    headers: WriteHeaders,
    body: NewLifecycleJob,
    response: { 201: LifecycleJobReply, ...problemReplies },
  }
  app.post('/lifecycle-jobs', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 201,
      carryOut: (beforeCommit: BeforeCommit<LifecycleJobStatus>) =>
        startLifecycleJob(deps.lifecycleJobs, { ...callerOf(request), ...request.body, beforeCommit }),
      answer: (_, status) => lifecycleJobReply(status),
    }),
  )
}
