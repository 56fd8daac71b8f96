import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'

type Document = NonNullable<FastifyDynamicSwaggerOptions['openapi']>

/** What `/api/v1/openapi.json` says of the API as a whole. */
export function describeApi(version: string): Document {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Hasp management API',
      version,
      description:
        'Keeps the credentials of LLM providers sealed under the organisation’s own KMS key, and says to whom they are lent. Every path belongs to the organisation of the admin token; what belongs to another does not exist. Errors are RFC 9457 problem details, each with a stable `code`. What agents call is another API: see docs/proxy.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The service that this document came from.' }],
    components: {
      securitySchemes: {
        adminToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'hasp_admin_…',
          description: 'An admin token. The first is printed once, when Hasp first starts.',
        },
      },
    },
    security: [{ adminToken: [] }],
  }
}

const descriptions: Readonly<Record<string, string>> = {
  '200': 'Done.',
  '201': 'Made.',
  '204': 'Erased.',
  '4XX': 'Refused; nothing was changed.',
  '5XX': 'Failed, here or at a service that this needed; `code` says which.',
}

/**
 * Gives every answer its description, errors their media type and one shared schema; and says of
 * parameters that have a default that they may be left out.
 */
export const describeProblems: NonNullable<FastifyDynamicSwaggerOptions['transformObject']> = (source) => {
  if (!('openapiObject' in source)) return source.swaggerObject
  const { openapiObject: document } = source
  const schemas: Record<string, unknown> = {}
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path ?? {}))) {
    for (const parameter of parametersOf(operation)) {
      if (parameter.schema?.default !== undefined) delete parameter.required
    }
    for (const [status, reply] of Object.entries(repliesOf(operation))) {
      reply.description = descriptions[status] ?? reply.description
      if (!/^[45]XX$/.test(status)) continue
      schemas['Problem'] = reply.content?.['application/json']?.schema
      reply.content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
    }
  }
  return { ...document, components: { ...document.components, schemas } } as typeof document
}

type Parameter = { required?: boolean; schema?: { default?: unknown } }

function parametersOf(operation: unknown): Parameter[] {
  if (typeof operation !== 'object' || operation === null || !('parameters' in operation)) return []
  // As `responses`, below.
  return operation.parameters as Parameter[]
}

type Reply = { description: string; content?: Record<string, { schema?: unknown }> }

function repliesOf(operation: unknown): Record<string, Reply> {
  if (typeof operation !== 'object' || operation === null || !('responses' in operation)) return {}
  // Written by @fastify/swagger from our own route schemas.
  return operation.responses as Record<string, Reply>
}
