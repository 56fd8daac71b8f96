import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyReply } from 'fastify'
import { serve } from '#proxy/pipeline.ts'
import type { ProxyDeps } from '#proxy/deps.ts'
import { isProxied } from '#proxy/is-proxied.ts'
import type { ApiDeps, ApiServer } from './api-server.ts'
import { answerClientError } from './client-error.ts'
import { toldOf, type IsDatabaseAway } from './database-away.ts'
import { describeApi, describeProblems } from './describe-api.ts'
import type { ErrorCode } from './errors-to-http.ts'
import { managementApi } from './management-api.ts'
import { problemOf } from './problem.ts'
import type { ReadBuffers } from './read-buffers.ts'
import { RequestError } from './request-error.ts'
import { onboardingPages } from './routes/onboarding/onboarding.ts'
import { serviceRoutes, type ServiceDeps } from './routes/service/service.ts'
import { wipeBodyAfterUse, wipeUnreadBody } from './wipe-received.ts'

export type ServerDeps = Readonly<{
  api: ApiDeps
  proxy: ProxyDeps
  service: ServiceDeps
  readBuffers: Pick<ReadBuffers, 'overwrite'>
  isDatabaseAway: IsDatabaseAway
  /** Told of errors that are nobody's refusal. */
  onUnexpected: (error: unknown, requestId: string) => void
  version: string
}>

const headerBytesMax = 16_384
const headersTimeoutMs = 30_000
/** Whole requests, bodies included: 32 MiB at 1 Mbit/s take 268 s. */
const requestTimeoutMs = 300_000
/** Longer than the usual 60 s of load balancers, so that they close first. */
const keepAliveTimeoutMs = 75_000

/**
 * The one HTTP server. Proxied requests go straight to the pipeline, byte for byte; everything else is Fastify's.
 */
export async function buildServer(deps: ServerDeps): Promise<ApiServer> {
  const app = Fastify({
    serverFactory: (handler) =>
      createHttpServer(deps.proxy, (request, response) => {
        wipeBodyAfterUse(request, deps.readBuffers)
        handler(request, response)
      }),
    logger: false,
    genReqId: deps.proxy.newReceiptId,
    bodyLimit: 65_536,
    routerOptions: { maxParamLength: 100, ignoreTrailingSlash: false },
    ajv: {
      customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: true, allErrors: false },
    },
    return503OnClosing: true,
    frameworkErrors: (error, request, reply: FastifyReply) => void answerProblem(error, request.id, reply),
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setErrorHandler((error, request, reply) => {
    wipeUnreadBody(request.raw)
    const code = answerProblem(toldOf(error, deps.isDatabaseAway), request.id, reply)
    if (code === 'internal' || code === 'row_tampered') deps.onUnexpected(error, request.id)
    return reply
  })
  app.setNotFoundHandler(() => {
    throw new RequestError(
      'not_found',
      'There is nothing at this address. The management API is under /api/v1 (see /api/v1/openapi.json); agents use /openai/v1, /anthropic or /v1.',
    )
  })
  takeNoBodies(app)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id).header('cache-control', 'no-store')
  })

  await app.register(swagger, {
    openapi: describeApi(deps.version),
    transformObject: describeProblems,
  })
  serviceRoutes(app, deps.service)
  await app.register(async (scope: ApiServer) =>
    onboardingPages(scope, {
      ...deps.api,
      isDatabaseAway: deps.isDatabaseAway,
      onUnexpected: deps.onUnexpected,
    }),
  )
  await app.register(async (scope: ApiServer) => managementApi(scope, deps.api), { prefix: '/api/v1' })
  return app
}

/** Where no scope of routes says otherwise, a body is not read: it may be a credential for an address mistyped. */
function takeNoBodies(app: ApiServer): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (_: unknown, payload: IncomingMessage) => wipeUnreadBody(payload))
}

/** Answers with what the caller may know of `error`. @returns its code. */
function answerProblem(error: unknown, requestId: string, reply: FastifyReply): ErrorCode {
  const { problem, retryAfterSeconds } = problemOf(error, requestId)
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="hasp"')
  void reply.status(problem.status).type('application/problem+json').send(problem)
  return problem.code
}

function createHttpServer(
  proxy: ProxyDeps,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const serveOne = (request: IncomingMessage, response: ServerResponse) => {
    const flaw = flawOf(request)
    if (flaw !== undefined) answerClientError(flaw, request.socket)
    else if (isProxied(request.url ?? '')) void serve(proxy, request, response)
    else handler(request, response)
  }
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      noDelay: true,
      insecureHTTPParser: false,
      requireHostHeader: false,
    },
    serveOne,
  )
  server.on('clientError', answerClientError)
  server.on('checkContinue', (request, response) => {
    // Before this answer's turn Node would write it between head and body: its client goes on by itself.
    if (response.socket !== null) response.writeContinue()
    serveOne(request, response)
  })
  // Node would answer these two, and requests without a host, with nothing that says why.
  server.on('checkExpectation', serveOne)
  server.on('connect', (_, socket) => answerClientError({ code: 'HASP_CONNECT' }, socket))
  return server
}

/** Why no route may see a request that Node's parser took. */
function flawOf({ httpVersion, headers }: IncomingMessage): { code?: string } | undefined {
  // Also HTTP/0.9, whose requests have no end that everybody agrees on.
  if (!httpVersion.startsWith('1.')) return {}
  // RFC 9112 §3.2
  return httpVersion === '1.1' && headers.host === undefined ? { code: 'HASP_HOST_MISSING' } : undefined
}
