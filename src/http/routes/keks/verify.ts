import { verifyKek } from '#keks/verify.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { IdParams, problemReplies } from '#http/schemas.ts'
import { kekReply, VerificationReply } from './kek-schema.ts'

/** `POST /keks/:id/verify`: proves the grant on the owner's KMS and activates the KEK. */
export function verifyKekRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'verifyKek',
    summary: 'Proves the grant on the owner’s KMS and activates the KEK.',
    tags: ['KEKs'],
    params: IdParams,
    response: { 200: VerificationReply, ...problemReplies },
  }
  app.post('/keks/:id/verify', { schema }, async (request) => {
    const { kek, checks, isPassed } = await verifyKek(
      { ...deps, providers: deps.kekProviders },
      { ...callerOf(request), kekId: request.params.id },
    )
    return { isPassed, checks: checks.map((check) => ({ ...check })), kek: kekReply(kek) }
  })
}
