import { Type, type Static } from 'typebox'
import type { KekGrant } from '#keks/access.ts'
import { cacheCeilingMsMax, kekStates, streamRules, unwrapModes, type Kek } from '#keks/kek.ts'
import { summarizeKek } from '#keks/summary.ts'
import { Id, Name, Nullable, Time } from '#http/schemas.ts'

const UnwrapMode = Type.Unsafe<Kek['unwrapMode']>({
  type: 'string',
  enum: [...unwrapModes],
  description:
    'strict asks the KMS for each request; shared lets concurrent requests share one call; cached reuses an unwrap up to the ceiling.',
})
const StreamRule = Type.Unsafe<Kek['streamRule']>({
  type: 'string',
  enum: [...streamRules],
  description: 'What becomes of streams under way when the KEK is revoked.',
})

const rules = {
  unwrapMode: UnwrapMode,
  cacheCeilingMs: Type.Integer({ minimum: 0, maximum: cacheCeilingMsMax }),
  cacheUsesMax: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  streamRule: StreamRule,
  probeIntervalMs: Type.Integer({
    minimum: 0,
    maximum: 86_400_000,
    description: 'How often a canary is unwrapped; 0 turns it off.',
  }),
}

export const NewKek = Type.Object(
  {
    name: Name,
    provider: Type.String({ minLength: 1, maxLength: 50, description: '`aws`, or `local` on one machine.' }),
    keyArn: Type.Optional(
      Type.String({ maxLength: 2048, description: 'AWS: full ARN of the KMS key; aliases are refused.' }),
    ),
    roleArn: Type.Optional(
      Type.String({
        maxLength: 2048,
        description:
          'AWS: role in the key’s account that Hasp assumes. Without it the key policy must name Hasp’s own principal.',
      }),
    ),
    ...Type.Partial(Type.Object(rules)).properties,
  },
  { additionalProperties: false },
)

export const KekChanges = Type.Object(
  { name: Type.Optional(Name), ...Type.Partial(Type.Object(rules)).properties },
  { additionalProperties: false, minProperties: 1 },
)

/** Where the caller does not say: as strict as it gets. */
export const defaultRules = {
  unwrapMode: 'strict',
  cacheCeilingMs: 60_000,
  cacheUsesMax: 10_000,
  streamRule: 'cut',
  probeIntervalMs: 60_000,
} as const

const Probe = Type.Object({
  lastProbeAt: Nullable(Time),
  outcome: Nullable(Type.String()),
  kmsRequestId: Nullable(Type.String()),
})

export const KekReply = Type.Object(
  {
    id: Id,
    name: Type.String(),
    provider: Type.String(),
    kekRef: Type.String(),
    access: Type.Object({
      keyArn: Type.Optional(Type.String()),
      roleArn: Type.Optional(Nullable(Type.String())),
      externalId: Type.Optional(
        Type.String({ description: 'Made by Hasp; the role’s trust policy must demand it.' }),
      ),
      fileId: Type.Optional(Type.String()),
    }),
    ...rules,
    state: Type.Unsafe<Kek['state']>({ type: 'string', enum: [...kekStates] }),
    stateReason: Nullable(Type.String()),
    stateChangedAt: Time,
    createdAt: Time,
    probe: Type.Optional(Probe),
    grant: Type.Optional(
      Type.Object({
        summary: Type.String(),
        documents: Type.Array(Type.Object({ title: Type.String(), body: Type.String() })),
      }),
    ),
  },
  { title: 'Kek' },
)

export const VerificationReply = Type.Object({
  isPassed: Type.Boolean(),
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      isPassed: Type.Boolean(),
      finding: Type.String(),
      kmsRequestId: Nullable(Type.String()),
    }),
  ),
  kek: KekReply,
})

export function kekReply(
  kek: Kek,
  more: { grant?: KekGrant | undefined; probe?: Static<typeof Probe> | undefined } = {},
): Static<typeof KekReply> {
  const { access, ...summary } = summarizeKek(kek)
  const { provider: _, ...reached } = access
  return {
    ...summary,
    access: reached,
    ...(more.probe === undefined ? {} : { probe: more.probe }),
    ...(more.grant === undefined
      ? {}
      : {
          grant: {
            summary: more.grant.summary,
            documents: more.grant.documents.map((document) => ({ ...document })),
          },
        }),
  }
}
