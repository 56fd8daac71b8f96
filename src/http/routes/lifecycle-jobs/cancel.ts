import type { BeforeCommit } from '#db/before-commit.ts'
import { cancelLifecycleJob } from '#jobs/cancel.ts'
import type { LifecycleJobStatus } from '#jobs/lifecycle-job.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { once } from '#http/idempotency.ts'
import { IdParams, problemReplies, WriteHeaders } from '#http/schemas.ts'
import { lifecycleJobReply, LifecycleJobReply } from './lifecycle-job-schema.ts'

/** `POST /lifecycle-jobs/:id/cancel`: what is done stays done; nothing further is. */
export function cancelLifecycleJobRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'cancelLifecycleJob',
    summary: 'Ends a lifecycle job where it is; what it did stays done.',
    tags: ['Lifecycle jobs'],
    headers: WriteHeaders,
    params: IdParams,
    response: { 200: LifecycleJobReply, ...problemReplies },
  }
  app.post('/lifecycle-jobs/:id/cancel', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<LifecycleJobStatus>) =>
        cancelLifecycleJob(deps.lifecycleJobs, {
          ...callerOf(request),
          jobId: request.params.id,
          beforeCommit,
        }),
      answer: (_, status) => lifecycleJobReply(status),
    }),
  )
}
