import { Type, type Static } from 'typebox'
import { summarizeVirtualKey, type VirtualKey } from '#access/virtual-key.ts'
import { Id, Models, Name, Nullable, Time } from '#http/schemas.ts'

const All = Type.Literal('all')
const TargetScope = Type.Union([All, Type.Array(Id, { minItems: 1, maxItems: 200, uniqueItems: true })], {
  description: '`all`, or the ids of the targets that it may use.',
})
const ModelScope = Type.Union([All, Type.Intersect([Models, Type.Array(Type.String(), { minItems: 1 })])], {
  description: '`all`, or the models that it may use: exact names, or prefixes ending in `*`.',
})

export const NewVirtualKey = Type.Object(
  {
    name: Name,
    targetIds: TargetScope,
    models: Type.Optional(ModelScope),
    expiresAt: Type.Optional(Nullable(Time)),
  },
  { additionalProperties: false },
)

export const VirtualKeyChanges = Type.Object(
  {
    name: Type.Optional(Name),
    targetIds: Type.Optional(TargetScope),
    models: Type.Optional(ModelScope),
    expiresAt: Type.Optional(Nullable(Time)),
  },
  { additionalProperties: false, minProperties: 1 },
)

const fields = {
  id: Id,
  name: Type.String(),
  hint: Type.String(),
  targetIds: Type.Union([All, Type.Array(Id)]),
  models: Type.Union([All, Type.Array(Type.String())]),
  status: Type.Union([Type.Literal('active'), Type.Literal('expired'), Type.Literal('revoked')]),
  createdAt: Time,
  expiresAt: Nullable(Time),
  revokedAt: Nullable(Time),
}

export const VirtualKeyReply = Type.Object(fields, { title: 'VirtualKey' })
export const IssuedVirtualKeyReply = Type.Object({
  ...fields,
  token: Nullable(Type.String({ description: 'Shown this once; null when the request is repeated.' })),
})

export function virtualKeyReply(virtualKey: VirtualKey, now: Date): Static<typeof VirtualKeyReply> {
  const summary = summarizeVirtualKey(virtualKey, now)
  return { ...summary, targetIds: allOr(summary.targetIds), models: allOr(summary.models) }
}

/** Stored scopes are lists in which nothing means everything; the API says it in a word. */
export function scopeOf(given: 'all' | readonly string[]): readonly string[] {
  return given === 'all' ? [] : given
}

function allOr(stored: readonly string[]): 'all' | string[] {
  return stored.length === 0 ? 'all' : [...stored]
}
