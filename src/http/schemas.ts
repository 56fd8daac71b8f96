import { Type, type TSchema } from 'typebox'
import { problems } from './errors-to-http.ts'

const namePattern =
  '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff\\s]([^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*[^\\u0000-\\u001f\\u007f\\ud800-\\udfff\\s])?$'
const environmentPattern = '^[a-z0-9]([a-z0-9._-]{0,48}[a-z0-9])?$'
const modelPattern = '^[!-)+-~]+\\*?$'
const idempotencyKeyPattern = '^[!-~]+$'

/** What a pattern asks for, for whoever sent something else. */
export const patternsInWords: ReadonlyMap<string, string> = new Map([
  [namePattern, 'must be printable text without a space at either end'],
  [environmentPattern, 'must be up to 50 lower case letters, digits, dots, underscores and hyphens'],
  [modelPattern, 'must be the name of a model without spaces, or its beginning followed by one *'],
  [idempotencyKeyPattern, 'must be printable ASCII without spaces'],
])

/** Names that people give: printable, well-formed Unicode, no leading or trailing space. */
export const Name = Type.String({ minLength: 1, maxLength: 100, pattern: namePattern })
/** Part of the encryption context, so spelled in one way only. */
export const Environment = Type.String({
  pattern: environmentPattern,
  description: '`production`, `staging`, …: lower case letters, digits, dots, underscores and hyphens.',
})
export const Id = Type.String({ format: 'uuid' })
export const Time = Type.String({ format: 'date-time' })
const Model = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: modelPattern,
  description: 'Exact name, or a prefix ending in `*`.',
})
export const Models = Type.Array(Model, { maxItems: 200, uniqueItems: true })

export const IdParams = Type.Object({ id: Id }, { additionalProperties: false })

export const PageQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'nextCursor of the page before.' }),
    ),
  },
  { additionalProperties: false },
)

export function PageOf<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) })
}

export function Nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()])
}

/** Headers of an operation that changes something. */
export const WriteHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: idempotencyKeyPattern,
      description: 'Repeat a request with the same key and it is carried out once.',
    }),
  ),
})

const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({
      description: 'Stable, for programs, and in time more of them: `title` and `detail` are for people.',
      examples: Object.keys(problems),
    }),
    detail: Type.String({ description: 'What is wrong with this request, and what to do about it.' }),
    requestId: Type.String({
      description: 'Also in the header `x-request-id`; finds an internal error in the service log.',
    }),
  },
  { title: 'Problem', description: 'RFC 9457 problem details (application/problem+json).' },
)

/** The answers that every operation of the management API may give besides its own. */
export const problemReplies = { '4xx': ProblemSchema, '5xx': ProblemSchema }
