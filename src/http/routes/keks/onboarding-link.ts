import { Type, type Static } from 'typebox'
import type { BeforeCommit } from '#db/before-commit.ts'
import { decodeCursor } from '#db/keyset.ts'
import {
  issueOnboardingLink,
  revokeOnboardingLink,
  type IssuedLink,
  type OnboardingLink,
} from '#keks/onboarding-link.ts'
import { listLinks } from '#keks/onboarding-link-repository.ts'
import { findKek } from '#keks/repository.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { expiryOf } from '#http/expiry.ts'
import { once } from '#http/idempotency.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { RequestError } from '#http/request-error.ts'
import { Id, IdParams, Nullable, PageQuery, problemReplies, Time, WriteHeaders } from '#http/schemas.ts'

const dayMs = 86_400_000
const lifeMs = 7 * dayMs
const lifeMsMax = 90 * dayMs

export const LinkReply = Type.Object({
  id: Id,
  hint: Type.String(),
  createdAt: Time,
  expiresAt: Time,
  revokedAt: Nullable(Time),
})
export const IssuedLinkReply = Type.Object({
  ...LinkReply.properties,
  path: Nullable(
    Type.String({
      description: 'Path of the page, under the address of this service. Null in a repeat: it is shown once.',
    }),
  ),
  url: Nullable(Type.String({ description: 'The same as a URL, where HASP_PUBLIC_URL is set.' })),
})
const NewLink = Type.Object(
  { expiresAt: Type.Optional(Time) },
  { additionalProperties: false, description: 'Seven days where nothing is said; ninety at most.' },
)

/** `POST /keks/:id/onboarding-links`: a page for whoever grants, without an account. */
export function issueOnboardingLinkRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'issueOnboardingLink',
    summary: 'Makes a link to a page that shows what to grant and verifies it, without an account.',
    tags: ['KEKs'],
    headers: WriteHeaders,
    params: IdParams,
    body: NewLink,
    response: { 201: IssuedLinkReply, ...problemReplies },
  }
  app.post('/keks/:id/onboarding-links', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 201,
      carryOut: (beforeCommit: BeforeCommit<IssuedLink>) => {
        const expiresAt = lifeOf(request.body.expiresAt, deps.now())
        return issueOnboardingLink(deps, {
          ...callerOf(request),
          kekId: request.params.id,
          expiresAt,
          beforeCommit,
        })
      },
      answer: (_, { link, token }): Static<typeof IssuedLinkReply> => {
        const path = `/onboarding/${token}`
        return { ...linkReply(link), path, url: deps.publicUrl === undefined ? null : deps.publicUrl + path }
      },
      forReplay: (answer) => ({ ...answer, path: null, url: null }),
    }),
  )
}

/** `GET /keks/:id/onboarding-links`: what was handed out, without the tokens. */
export function listOnboardingLinksRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listOnboardingLinks',
    summary: 'Lists the onboarding links of a KEK, oldest first, without their tokens.',
    tags: ['KEKs'],
    params: IdParams,
    querystring: PageQuery,
    response: { 200: ListingOf(LinkReply), ...problemReplies },
  }
  app.get('/keks/:id/onboarding-links', { schema }, async (request) => {
    const { orgId } = callerOf(request)
    const { limit, cursor } = request.query
    const { id: kekId } = await findKek(deps.db.kysely, deps.ring, orgId, request.params.id)
    const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
    const rows = await listLinks(deps.db.kysely, deps.ring, { orgId, kekId }, { afterId, limit })
    return listingOf(deps, { orgId, table: 'onboarding_links', rows, limit }, linkReply)
  })
}

/** `POST /keks/:id/onboarding-links/:linkId/revoke`: ends a link at once. */
export function revokeOnboardingLinkRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'revokeOnboardingLink',
    summary: 'Ends an onboarding link at once.',
    tags: ['KEKs'],
    headers: WriteHeaders,
    params: Type.Object({ id: Id, linkId: Id }, { additionalProperties: false }),
    response: { 200: LinkReply, ...problemReplies },
  }
  app.post('/keks/:id/onboarding-links/:linkId/revoke', { schema }, (request, reply) =>
    once(deps, request, reply, {
      status: 200,
      carryOut: (beforeCommit: BeforeCommit<OnboardingLink>) => {
        const { id: kekId, linkId } = request.params
        return revokeOnboardingLink(deps, { ...callerOf(request), kekId, linkId, beforeCommit })
      },
      answer: (_, link) => linkReply(link),
    }),
  )
}

/** @throws {RequestError} `body_invalid` */
function lifeOf(given: string | undefined, now: Date): Date {
  const expiresAt = expiryOf(given, now) ?? new Date(now.getTime() + lifeMs)
  if (expiresAt.getTime() - now.getTime() <= lifeMsMax) return expiresAt
  throw new RequestError('body_invalid', 'body.expiresAt may be ninety days ahead at most.')
}

function linkReply({ id, hint, createdAt, expiresAt, revokedAt }: OnboardingLink): Static<typeof LinkReply> {
  return {
    id,
    hint,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    revokedAt: revokedAt?.toISOString() ?? null,
  }
}
