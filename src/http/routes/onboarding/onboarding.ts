import type { FastifyReply, FastifyRequest } from 'fastify'
import { findOrganisation } from '#access/organisation-repository.ts'
import { recogniseLogEvent } from '#keks/log-seen.ts'
import { OnboardingLinkDirectory } from '#keks/onboarding-link-directory.ts'
import { linkActor, type OnboardingLink } from '#keks/onboarding-link.ts'
import { findKek } from '#keks/repository.ts'
import { findLogSeen, listVerifications } from '#keks/verification-repository.ts'
import { verifyKek } from '#keks/verify.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { AttemptLimit } from '#http/attempt-limit.ts'
import { toldOf, type IsDatabaseAway } from '#http/database-away.ts'
import type { ErrorCode } from '#http/errors-to-http.ts'
import { problemOf } from '#http/problem.ts'
import { RequestError } from '#http/request-error.ts'
import { pageHeaders } from './assets.ts'
import { onboardingPage, plainPage, type OnboardingView } from './page.ts'

type Deps = Omit<ApiDeps, 'targets' | 'unwrapper'> &
  Readonly<{
    isDatabaseAway: IsDatabaseAway
    /** Told of errors that are nobody's refusal. */
    onUnexpected: (error: unknown, requestId: string) => void
  }>

const formBytesMax = 65_536
/** Between two verifications of one key by link: each is some thirty calls to the customer's KMS. */
const verifyPauseMs = 10_000

/** `/onboarding/<token>`: for whoever grants on the customer's side, without an account. The token is the only key. */
export function onboardingPages(app: ApiServer, deps: Deps): void {
  const links = new OnboardingLinkDirectory({ ...deps, db: deps.lookups })
  // Never in the way of a link that works: behind a terminator of TLS all come from one address.
  const strangers = new AttemptLimit({ attemptsMax: 30, windowMs: 60_000 })
  const visits = new AttemptLimit({ attemptsMax: 120, windowMs: 60_000 })
  const verifying = new Set<string>()

  acceptFormsOnly(app)
  app.addHook('onSend', async (_, reply) => void reply.headers(pageHeaders))
  app.setErrorHandler((error, request, reply) => {
    const { problem, retryAfterSeconds } = problemOf(toldOf(error, deps.isDatabaseAway), request.id)
    if (problem.code === 'internal' || problem.code === 'row_tampered') deps.onUnexpected(error, request.id)
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
    const detail = detailsOfPages[problem.code] ?? problem.detail
    return reply.status(problem.status).send(plainPage(problem.title, detail))
  })

  const open = async (request: FastifyRequest): Promise<OnboardingLink> => {
    const { token } = request.params as { token: string }
    const link = await links.open(token)
    if (link === undefined) {
      if (!strangers.take(request.ip))
        throw tooMany('Too many links that do not work came from your address.')
      throw new RequestError(
        'not_found',
        'This link does not exist, has ended, or was taken back. Ask whoever gave it to you for a new one.',
      )
    }
    if (!visits.take(link.id)) throw tooMany('This page was opened too often in the last minute.')
    return link
  }

  app.get('/onboarding/:token', { schema: { hide: true } }, async (request, reply) => {
    const link = await open(request)
    return reply.send(onboardingPage(await viewOf(deps, link, request)))
  })

  app.post('/onboarding/:token/verify', { schema: { hide: true } }, async (request, reply) => {
    const link = await open(request)
    const view = await viewOf(deps, link, request)
    const sinceLastMs = deps.now().getTime() - (view.last?.verifiedAt.getTime() ?? -Infinity)
    if (verifying.has(link.kekId) || sinceLastMs < verifyPauseMs) {
      return answer(reply, 429, view, 'This key was verified a moment ago. Try again in ten seconds.')
    }
    verifying.add(link.kekId)
    try {
      await verifyKek(
        { ...deps, providers: deps.kekProviders, accessKinds: deps.kekAccessKinds },
        { orgId: link.orgId, kekId: link.kekId, actor: linkActor(link) },
      )
    } catch (error) {
      const { problem } = problemOf(error, request.id)
      if (problem.code === 'internal') throw error
      return answer(reply, problem.status, await viewOf(deps, link, request), problem.detail)
    } finally {
      verifying.delete(link.kekId)
    }
    // So that reloading the page does not verify again.
    return reply.redirect(`${view.path}#result`, 303)
  })

  app.post('/onboarding/:token/log-event', { schema: { hide: true } }, async (request, reply) => {
    const link = await open(request)
    const event = eventIn(request.body)
    const seen =
      event === undefined ? null : await recogniseLogEvent(deps, { ...link, actor: linkActor(link), event })
    const view = await viewOf(deps, link, request)
    if (seen !== null) {
      const text = `That is the call “${seen.what}” of the verification of ${seen.verifiedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC: your log records what Hasp does.`
      return reply.send(onboardingPage({ ...view, notice: { tone: 'good', text } }))
    }
    return answer(
      reply,
      422,
      view,
      event === undefined
        ? 'This is not JSON: paste one event as your log holds it.'
        : 'No call of the last verifications is in this event. Events take some minutes to arrive; compare one that was made by a verification.',
    )
  })
}

/** Nothing but what an HTML form sends is read at all. */
function acceptFormsOnly(app: ApiServer): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formBytesMax },
    (_, body, done) => done(null, new URLSearchParams(String(body))),
  )
}

function eventIn(body: unknown): unknown {
  const text = body instanceof URLSearchParams ? body.get('event') : null
  try {
    return text === null ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}

async function viewOf(deps: Deps, link: OnboardingLink, request: FastifyRequest): Promise<OnboardingView> {
  const db = deps.db.kysely
  const of = { orgId: link.orgId, kekId: link.kekId }
  const kek = await findKek(db, deps.ring, link.orgId, link.kekId)
  const kind = deps.kekAccessKinds.get(kek.access.provider)
  const [last] = await listVerifications(db, deps.ring, of, { beforeId: undefined, limit: 1 })
  const { token } = request.params as { token: string }
  return {
    organisation: (await findOrganisation(db, link.orgId)).name,
    kek,
    grant: kind?.grantFor(kek.access, kek.orgId, kek.id) ?? { summary: '', documents: [] },
    link,
    path: `/onboarding/${token}`,
    last: last?.record ?? undefined,
    logSeenAt: await findLogSeen(db, of),
  }
}

function answer(reply: FastifyReply, status: number, view: OnboardingView, text: string): FastifyReply {
  return reply.status(status).send(onboardingPage({ ...view, notice: { tone: 'bad', text } }))
}

/** Where whoever sees a page is told something else than whoever calls the API. */
const detailsOfPages: Readonly<Partial<Record<ErrorCode, string>>> = {
  body_too_large: 'Go back, and paste one event alone: at most 60,000 characters.',
  overloaded: 'The database does not answer. Try again shortly.',
}

function tooMany(detail: string): RequestError {
  return new RequestError('too_many_requests', `${detail} Try again in a minute.`)
}
