import { Type, type Static } from 'typebox'
import type { KekGrant } from '#keks/access.ts'
import {
  cacheCeilingMsMax,
  kekStates,
  protectionRules,
  protections,
  streamRules,
  unwrapModes,
  type Kek,
} from '#keks/kek.ts'
import { revocationBound } from '#keks/revocation-bound.ts'
import { summarizeKek } from '#keks/summary.ts'
import { Id, Name, Nullable, Time } from '#http/schemas.ts'
import { RevocationBoundReply } from './revocation-bound-schema.ts'
import { VerificationEvidence, VerificationSummary } from './verification-schema.ts'

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
  protectionRule: Type.Unsafe<Kek['protectionRule']>({
    type: 'string',
    enum: [...protectionRules],
    description:
      'hsm: the KEK is only used if its KMS says that an HSM holds the key, and its targets move to no other kind.',
  }),
  wrapAgeDaysMax: Nullable(
    Type.Integer({
      minimum: 1,
      maximum: 36_500,
      description:
        'Cryptoperiod: how old a wrap under this KEK may get, in days; null for no limit. A rewrap, a move or a re-encryption renews it.',
    }),
  ),
  dekAgeDaysMax: Nullable(
    Type.Integer({
      minimum: 1,
      maximum: 36_500,
      description:
        'Cryptoperiod: how old a DEK under this KEK may get, in days; null for no limit. A re-encryption renews it.',
    }),
  ),
  credentialAgeDaysMax: Nullable(
    Type.Integer({
      minimum: 1,
      maximum: 36_500,
      description:
        'How old the credential in use of a target under this KEK may get, in days since Hasp was given it; null for no limit. Only another credential renews it.',
    }),
  ),
  wrapsMax: Nullable(
    Type.Integer({
      minimum: 1,
      maximum: 2_147_483_647,
      description: 'Cryptoperiod: how many DEKs this KEK may wrap; null for no limit.',
    }),
  ),
}

export const NewKek = Type.Object(
  {
    name: Name,
    provider: Type.String({
      minLength: 1,
      maxLength: 50,
      description: '`aws`, `gcp`, `azure`, or `local` on one machine.',
    }),
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
    keyName: Type.Optional(
      Type.String({
        maxLength: 512,
        description: 'Google: projects/…/locations/…/keyRings/…/cryptoKeys/…, without a version.',
      }),
    ),
    identityProvider: Type.Optional(
      Type.String({
        maxLength: 512,
        description:
          'Google: the provider in your workload identity pool that lets Hasp in (projects/<number>/locations/global/workloadIdentityPools/…/providers/…). Without it the key is granted to Hasp’s own service account.',
      }),
    ),
    keyId: Type.Optional(
      Type.String({
        maxLength: 512,
        description:
          'Azure: key identifier of one version (https://VAULT.vault.azure.net/keys/NAME/VERSION, or of a Managed HSM).',
      }),
    ),
    tenantId: Type.Optional(
      Type.String({ maxLength: 64, description: 'Azure: the tenant that the vault trusts (a GUID).' }),
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
  protectionRule: 'any',
  wrapAgeDaysMax: null,
  dekAgeDaysMax: null,
  credentialAgeDaysMax: null,
  wrapsMax: null,
} as const

const Probe = Type.Object({
  lastProbeAt: Nullable(Time),
  outcome: Nullable(Type.String()),
  kmsRequestId: Nullable(Type.String()),
})

const GrantDocument = Type.Object({ title: Type.String(), body: Type.String() })

const GrantReply = Type.Object({
  summary: Type.String(),
  documents: Type.Array(GrantDocument, { description: 'Raw policies.' }),
  terraform: Type.Optional(GrantDocument),
  cli: Type.Optional(GrantDocument),
  logCheck: Type.Optional(
    Type.Object(
      {
        command: Type.String({ description: 'For a POSIX shell.' }),
        note: Type.String({ description: 'What it shows, and what must be so for it to show anything.' }),
      },
      { description: 'How its owner sees that their log records every use of the key.' },
    ),
  ),
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
      keyName: Type.Optional(Type.String()),
      identityProvider: Type.Optional(Nullable(Type.String())),
      audience: Type.Optional(
        Type.String({ description: 'Made by Hasp; your identity provider must allow it.' }),
      ),
      keyId: Type.Optional(Type.String()),
      tenantId: Type.Optional(Type.String()),
      fileId: Type.Optional(Type.String()),
    }),
    ...rules,
    protection: Nullable(
      Type.Unsafe<NonNullable<Kek['protection']>>({
        type: 'string',
        enum: [...protections],
        description: 'Where the KMS keeps the key, as it said when the KEK was verified.',
      }),
    ),
    state: Type.Unsafe<Kek['state']>({ type: 'string', enum: [...kekStates] }),
    stateReason: Nullable(Type.String()),
    stateChangedAt: Time,
    createdAt: Time,
    revocationBound: RevocationBoundReply,
    probe: Type.Optional(Probe),
    grant: Type.Optional(GrantReply),
    verification: Type.Optional(Nullable(VerificationSummary)),
    logSeenAt: Type.Optional(
      Nullable(
        Type.Unsafe<string>({
          type: 'string',
          format: 'date-time',
          description: 'When an event of the owner’s own log was last shown to be a call of Hasp’s.',
        }),
      ),
    ),
  },
  { title: 'Kek' },
)

export const VerificationReply = Type.Object({
  isPassed: Type.Boolean(),
  ...VerificationEvidence.properties,
  grant: Type.Optional(GrantReply),
  kek: KekReply,
})

export function kekReply(
  kek: Kek,
  more: {
    grant?: KekGrant | undefined
    probe?: Static<typeof Probe> | undefined
    verification?: Static<typeof VerificationSummary> | null | undefined
    logSeenAt?: Date | null | undefined
  } = {},
): Static<typeof KekReply> {
  const { access, ...summary } = summarizeKek(kek)
  const { provider: _, ...reached } = access
  return {
    ...summary,
    access: reached,
    revocationBound: revocationBound(kek),
    ...(more.probe === undefined ? {} : { probe: more.probe }),
    ...(more.verification === undefined ? {} : { verification: more.verification }),
    ...(more.logSeenAt === undefined ? {} : { logSeenAt: more.logSeenAt?.toISOString() ?? null }),
    ...(more.grant === undefined
      ? {}
      : { grant: { ...more.grant, documents: more.grant.documents.map((document) => ({ ...document })) } }),
  }
}
