import { Type, type Static } from 'typebox'
import type { TargetDetails } from '#targets/read.ts'
import { Environment, Id, Models, Name, Nullable, Time } from '#http/schemas.ts'

const CredentialInput = Type.String({
  description: 'The provider’s credential. Written once and never shown again.',
  writeOnly: true,
})

export const NewTarget = Type.Object(
  {
    name: Name,
    provider: Type.String({ minLength: 1, maxLength: 50, description: '`openai` or `anthropic`.' }),
    environment: Type.Optional(Environment),
    baseUrl: Type.Optional(
      Type.String({ maxLength: 2048, description: 'Only where it is not the provider’s own.' }),
    ),
    models: Type.Optional(Models),
    kekId: Id,
    credential: CredentialInput,
    validate: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'false stores the credential without asking the provider about it.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const TargetChanges = Type.Object(
  {
    name: Type.Optional(Name),
    models: Type.Optional(Models),
    credential: Type.Optional(CredentialInput),
    validate: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, minProperties: 1 },
)

const CredentialVersion = Type.Object({
  generation: Type.Integer(),
  isCurrent: Type.Boolean(),
  preview: Type.String(),
  kekId: Id,
  createdAt: Time,
})

export const TargetReply = Type.Object(
  {
    id: Id,
    name: Type.String(),
    provider: Type.String(),
    environment: Type.String(),
    baseUrl: Type.String(),
    models: Type.Array(Type.String(), {
      description: 'Lent for these alone; empty: for those of its provider.',
    }),
    kekId: Id,
    keyPreview: Type.String(),
    credentials: Type.Array(CredentialVersion),
    tamperedGenerations: Type.Array(Type.Integer(), {
      description: 'Credential versions that were changed outside of Hasp: they are never opened.',
    }),
    verification: Type.Union([Type.Literal('accepted'), Type.Literal('rejected'), Type.Literal('unchecked')]),
    verificationDetail: Nullable(Type.String()),
    lastVerifiedAt: Nullable(Time),
    lastUsedAt: Nullable(Time),
    createdAt: Time,
    updatedAt: Time,
  },
  { title: 'ApiTarget' },
)

/** A target as its organisation sees it: previews and dates, nothing that would need the KEK. */
export function targetReply({
  target,
  credentials,
  tamperedGenerations,
  health,
}: TargetDetails): Static<typeof TargetReply> {
  return {
    id: target.id,
    name: target.name,
    provider: target.provider,
    environment: target.environment,
    baseUrl: target.baseUrl,
    models: [...target.models],
    kekId: target.kekId,
    keyPreview:
      credentials.find((credential) => credential.generation === target.generation)?.preview ?? '••••',
    credentials: credentials.map((credential) => ({
      generation: credential.generation,
      isCurrent: credential.generation === target.generation,
      preview: credential.preview,
      kekId: credential.kekId,
      createdAt: credential.createdAt.toISOString(),
    })),
    tamperedGenerations: [...tamperedGenerations],
    verification: health?.verification ?? 'unchecked',
    verificationDetail: health?.detail ?? null,
    lastVerifiedAt: health?.lastVerifiedAt?.toISOString() ?? null,
    lastUsedAt: health?.lastUsedAt?.toISOString() ?? null,
    createdAt: target.createdAt.toISOString(),
    updatedAt: target.updatedAt.toISOString(),
  }
}
