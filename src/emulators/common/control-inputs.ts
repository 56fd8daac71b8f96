import { Type, type TSchema } from 'typebox'

/** What the control commands of every emulator take. Unknown members are refused. */
export const closed = { additionalProperties: false }

export const Milliseconds = Type.Integer({ minimum: 0, maximum: 366 * 86_400_000 })
export const OperationName = Type.String({ pattern: '^(\\*|[A-Za-z]{1,64})$' })

export const Nothing = Type.Object({}, closed)
export const AdvanceClock = Type.Object({ ms: Milliseconds }, closed)
export const SkewClock = Type.Object(
  { ms: Type.Integer({ minimum: -86_400_000, maximum: 86_400_000 }) },
  closed,
)
/** What a wait for a log's entry takes beside its filter. */
export const waitMembers = { timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })) }

export function faultInput<Operation extends TSchema, Effects extends TSchema[]>(
  operation: Operation,
  effects: [...Effects],
) {
  return Type.Object(
    {
      operation,
      times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
      effect: Type.Union(effects),
    },
    closed,
  )
}

export function latencyInput<Operation extends TSchema>(operation: Operation) {
  return Type.Object({ operation, latencyMs: Type.Integer({ minimum: 0, maximum: 600_000 }) }, closed)
}
