import type { ApiServer } from './api-server.ts'

/**
 * Paths and query strings carry text: what their schema calls an integer becomes one before it is validated. Nothing
 * else is ever converted: in a body, a wrong type is refused and never guessed at (an `expiresAt` of `0` is not
 * "never").
 */
export function readWholeNumbers(app: ApiServer): void {
  app.addHook('preValidation', async (request) => {
    const { schema } = request.routeOptions
    convert(schema?.params, request.params)
    convert(schema?.querystring, request.query)
  })
}

function convert(schema: unknown, values: unknown): void {
  if (!isRecord(values) || !isRecord(schema) || !isRecord(schema['properties'])) return
  for (const [name, property] of Object.entries(schema['properties'])) {
    const text = values[name]
    const isWhole = typeof text === 'string' && /^-?\d{1,15}$/.test(text)
    if (isWhole && isRecord(property) && property['type'] === 'integer') values[name] = Number(text)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
