import Schema from 'typebox/schema'
import type { AnyJson, RunningHasp } from '../../support/running-hasp.ts'

export type Operation = Readonly<{ method: string; path: string; operationId: string; definition: AnyJson }>

/** The OpenAPI document that a running Hasp serves. */
export async function readDocument(hasp: RunningHasp): Promise<AnyJson> {
  return (await fetch(`${hasp.url}/api/v1/openapi.json`)).json()
}

export function operationsOf(document: AnyJson): Operation[] {
  return Object.entries<AnyJson>(document.paths).flatMap(([path, methods]) =>
    Object.entries<AnyJson>(methods).map(([method, definition]) => ({
      method: method.toUpperCase(),
      path,
      operationId: definition.operationId,
      definition,
    })),
  )
}

/** The faults of a reply against what the document promises for its status; empty when it keeps the promise. */
export function faultsOf(
  document: AnyJson,
  { definition }: Operation,
  reply: { status: number; headers: Headers; body: unknown },
): unknown[] {
  const promised = definition.responses[reply.status] ?? definition.responses[`${String(reply.status)[0]}XX`]
  if (promised === undefined) return [`status ${reply.status} is not promised`]
  if (promised.content === undefined) return reply.body === null ? [] : ['a body, where none is promised']
  const [[mediaType, { schema }]] = Object.entries<AnyJson>(promised.content) as [[string, AnyJson]]
  const type = reply.headers.get('content-type')?.split(';')[0]
  if (type !== mediaType) return [`${type} instead of ${mediaType}`]
  return Schema.Errors({ ...schema, components: document.components }, reply.body)[1]
}
