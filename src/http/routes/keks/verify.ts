import type { Static } from 'typebox'
import { decodeCursor } from '#db/keyset.ts'
import { findKek } from '#keks/repository.ts'
import { listVerifications } from '#keks/verification-repository.ts'
import { verifyKek, type Verification } from '#keks/verify.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { once } from '#http/idempotency.ts'
import { IdParams, PageQuery, problemReplies, WriteHeaders } from '#http/schemas.ts'
import { kekReply, VerificationReply } from './kek-schema.ts'
import { evidenceReply, VerificationEvidence } from './verification-schema.ts'

/** `POST /keks/:id/verify`: proves the grant on the owner's KMS, lints it, and activates the KEK. */
export function verifyKekRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'verifyKek',
    summary: 'Proves the grant on the owner’s KMS, names what it allows too much, and activates the KEK.',
    tags: ['KEKs'],
    headers: WriteHeaders,
    params: IdParams,
    response: { 200: VerificationReply, ...problemReplies },
  }
  app.post('/keks/:id/verify', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      // Most of it happens at the KMS, where no transaction reaches: the answer is kept when it is there.
      carryOut: () =>
        verifyKek(
          { ...deps, providers: deps.kekProviders, accessKinds: deps.kekAccessKinds },
          { ...callerOf(request), kekId: request.params.id },
        ),
      answer: (_, verification) => verificationReply(deps, verification),
    }),
  )
}

function verificationReply(
  deps: ApiDeps,
  { kek, record, isPassed }: Verification,
): Static<typeof VerificationReply> {
  const kind = deps.kekAccessKinds.get(kek.access.provider)
  // What to put in place of what is there.
  const isGrantShown = record.findings.length > 0 || !isPassed
  const grant = isGrantShown ? kind?.grantFor(kek.access, kek.orgId, kek.id) : undefined
  return {
    isPassed,
    ...evidenceReply(record),
    ...(grant === undefined
      ? {}
      : { grant: { ...grant, documents: grant.documents.map((document) => ({ ...document })) } }),
    kek: kekReply(kek),
  }
}

/** `GET /keks/:id/verifications`: what was verified and on what evidence, newest first. */
export function listVerificationsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listVerifications',
    summary: 'Lists the verifications of a KEK with their evidence, newest first.',
    tags: ['KEKs'],
    params: IdParams,
    querystring: PageQuery,
    response: { 200: ListingOf(VerificationEvidence), ...problemReplies },
  }
  app.get('/keks/:id/verifications', { schema }, async (request) => {
    const { orgId } = callerOf(request)
    const { limit, cursor } = request.query
    const { id: kekId } = await findKek(deps.db.kysely, deps.ring, orgId, request.params.id)
    const beforeId = cursor === undefined ? undefined : decodeCursor(cursor)
    const rows = await listVerifications(deps.db.kysely, deps.ring, { orgId, kekId }, { beforeId, limit })
    return listingOf(deps, { orgId, table: 'kek_verifications', rows, limit }, evidenceReply)
  })
}
