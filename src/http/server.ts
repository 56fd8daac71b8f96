import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import { serve } from '#proxy/pipeline.ts'
import type { ProxyDeps } from '#proxy/deps.ts'
import { isProxied } from '#proxy/is-proxied.ts'
import type { ApiDeps, ApiServer } from './api-server.ts'
import { answerClientError } from './client-error.ts'
import { managementApi } from './management-api.ts'
import { problemOf } from './problem.ts'
import { RequestError } from './request-error.ts'
import { serviceRoutes, type ServiceDeps } from './routes/service/service.ts'
import { wipeReceivedBytes, wipeUnreadBody } from './wipe-received.ts'

export type ServerDeps = Readonly<{
  api: ApiDeps
  proxy: ProxyDeps
  service: ServiceDeps
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
    serverFactory: (handler) => createHttpServer(deps.proxy, handler),
    logger: false,
    genReqId: deps.proxy.newReceiptId,
    bodyLimit: 65_536,
    routerOptions: { maxParamLength: 100, ignoreTrailingSlash: false },
    ajv: {
      customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: true, allErrors: false },
    },
    return503OnClosing: true,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setErrorHandler((error, request, reply) => {
    wipeUnreadBody(request.raw)
    const { problem, retryAfterSeconds } = problemOf(error, request.id)
    if (problem.code === 'internal' || problem.code === 'row_tampered') deps.onUnexpected(error, request.id)
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="hasp"')
    return reply.status(problem.status).type('application/problem+json').send(problem)
  })
  app.setNotFoundHandler(() => {
    throw new RequestError(
      'not_found',
      'There is nothing at this address. The management API is under /api/v1 (see /api/v1/openapi.json); agents use /openai/v1, /anthropic or /v1.',
    )
  })
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id).header('cache-control', 'no-store')
  })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Hasp management API', version: deps.version },
      components: { securitySchemes: { adminToken: { type: 'http', scheme: 'bearer' } } },
      security: [{ adminToken: [] }],
    },
  })
  serviceRoutes(app, deps.service)
  await app.register(async (scope: ApiServer) => managementApi(scope, deps.api), { prefix: '/api/v1' })
  return app
}

function createHttpServer(
  proxy: ProxyDeps,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      noDelay: true,
      insecureHTTPParser: false,
    },
    (request, response) => {
      if (isProxied(request.url ?? '')) void serve(proxy, request, response)
      else handler(request, response)
    },
  )
  server.on('clientError', answerClientError)
  wipeReceivedBytes(server)
  return server
}
