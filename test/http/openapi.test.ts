import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import Schema from 'typebox/schema'
import { problems } from '#http/errors-to-http.ts'
import { startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'
import { operationsOf, readDocument } from './support/api-schema.ts'

/** https://spec.openapis.org/oas/v3.1.0 */
describe('the OpenAPI document', () => {
  let hasp: RunningHasp
  let document: AnyJson
  beforeAll(async () => {
    hasp = await startHasp()
    document = await readDocument(hasp)
  })
  afterAll(() => hasp[Symbol.asyncDispose]())

  it('says which version it is, what it describes, under which licence, and how to authenticate', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({
      title: 'Hasp management API',
      version: 'test',
      license: { identifier: 'Apache-2.0' },
    })
    expect(document.info.description.length).toBeGreaterThan(100)
    expect(document.components.securitySchemes.adminToken).toMatchObject({ type: 'http', scheme: 'bearer' })
    expect(document.security).toEqual([{ adminToken: [] }])
  })

  it('lists every route that the API has, and nothing else', () => {
    const routes = hasp.context.server
      .printRoutes({ commonPrefix: false })
      .split('\n')
      .flatMap((line) =>
        [...line.matchAll(/\(([A-Z, ]+)\)/g)].flatMap(([, methods = '']) => methods.split(', ')),
      )
      .filter((method) => method !== 'HEAD')
    // Beside them: /livez, /readyz, /metrics, the document itself, and the three of the onboarding page.
    expect(operationsOf(document)).toHaveLength(routes.length - 7)
  })

  it('gives each operation an id of its own, a sentence, a tag, and what it answers to errors', () => {
    const operations = operationsOf(document)
    expect(new Set(operations.map((one) => one.operationId)).size).toBe(operations.length)
    for (const { operationId, definition } of operations) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/)
      expect(definition.summary, operationId).toMatch(/\.$/)
      expect(definition.tags, operationId).toHaveLength(1)
      for (const status of ['4XX', '5XX'])
        expect(definition.responses[status].content, operationId).toEqual({
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        })
      for (const reply of Object.values<AnyJson>(definition.responses))
        expect(reply.description, operationId).not.toBe('Default Response')
    }
  })

  it('declares exactly the parameters that stand in each path', () => {
    for (const { path, definition } of operationsOf(document)) {
      const declared = (definition.parameters ?? []).filter((one: AnyJson) => one.in === 'path')
      expect(declared.map((one: AnyJson) => `{${one.name}}`).toSorted()).toEqual(
        (path.match(/\{\w+\}/g) ?? []).toSorted(),
      )
      for (const parameter of declared) expect(parameter.required).toBe(true)
    }
  })

  it('requires no parameter that has a default, and every one of a path', () => {
    for (const { operationId, definition } of operationsOf(document))
      for (const parameter of definition.parameters ?? [])
        expect(parameter.required === true, `${operationId} ${parameter.name}`).toBe(parameter.in === 'path')
  })

  it('names every code that an error may have, and leaves room for more', () => {
    const { code } = document.components.schemas.Problem.properties
    expect(code.examples).toEqual(Object.keys(problems))
    expect(code).not.toHaveProperty('enum')
  })

  it('holds only references that lead somewhere, and schemas that compile', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, pointer = '']) => pointer,
    )
    expect(references.length).toBeGreaterThan(0)
    for (const pointer of references) {
      const found = pointer.split('/').reduce<AnyJson>((at, name) => at?.[name], document)
      expect(found, pointer).toBeTypeOf('object')
    }
    for (const schema of schemasOf(document.paths))
      expect(() => Schema.Compile({ ...schema, components: document.components })).not.toThrow()
  })

  it('marks the credential as written only', () => {
    const { schema } = document.paths['/api/v1/api-targets'].post.requestBody.content['application/json']
    expect(schema.properties.credential.writeOnly).toBe(true)
  })

  it('needs no token', async () => {
    expect((await fetch(`${hasp.url}/api/v1/openapi.json`)).status).toBe(200)
  })
})

function schemasOf(node: AnyJson): AnyJson[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries<AnyJson>(node).flatMap(([name, value]) =>
    name === 'schema' ? [value] : schemasOf(value),
  )
}
