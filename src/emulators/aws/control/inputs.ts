import { Type, type Static } from 'typebox'
import { keyOrigins, keyStates } from '#emulators/aws/kms/kms-key.ts'

const closed = { additionalProperties: false }
const AccountId = Type.String({ pattern: '^\\d{12}$' })
const Name = Type.String({ pattern: '^[A-Za-z0-9_+=,.@-]{1,64}$' })
const Policy = Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown())])
const Milliseconds = Type.Integer({ minimum: 0, maximum: 366 * 86_400_000 })
const OperationName = Type.String({ pattern: '^(\\*|[A-Za-z]{1,64})$' })

/** A policy as JSON text or as the object that the text would hold. */
export type PolicyInput = Static<typeof Policy>

export const CreateAccount = Type.Object({ accountId: Type.Optional(AccountId) }, closed)

const userMembers = {
  name: Name,
  policies: Type.Optional(Type.Array(Policy)),
  accessKeyId: Type.Optional(Type.String({ pattern: '^[A-Z0-9]{16,128}$' })),
  secretAccessKey: Type.Optional(Type.String({ minLength: 16, maxLength: 128 })),
}
const roleMembers = {
  name: Name,
  trustPolicy: Policy,
  policies: Type.Optional(Type.Array(Policy)),
  sessionSecondsMax: Type.Optional(Type.Integer({ minimum: 3600, maximum: 43_200 })),
}
const keyMembers = {
  region: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,64}$' })),
  keyId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' })),
  description: Type.Optional(Type.String({ maxLength: 8192 })),
  policy: Type.Optional(Policy),
  state: Type.Optional(Type.Enum(keyStates)),
  origin: Type.Optional(Type.Enum(keyOrigins)),
  isMultiRegion: Type.Optional(Type.Boolean()),
  tags: Type.Optional(Type.Record(Type.String(), Type.String())),
}

export const CreateUser = Type.Object({ accountId: AccountId, ...userMembers }, closed)
export const CreateRole = Type.Object({ accountId: AccountId, ...roleMembers }, closed)
export const CreateKey = Type.Object({ accountId: AccountId, ...keyMembers }, closed)
export const NamePrincipal = Type.Object({ principalArn: Type.String() }, closed)
export const NameAccessKey = Type.Object({ accessKeyId: Type.String() }, closed)
export const PutPolicies = Type.Object({ principalArn: Type.String(), policies: Type.Array(Policy) }, closed)
export const PutTrustPolicy = Type.Object({ roleArn: Type.String(), trustPolicy: Policy }, closed)
export const SetKeyState = Type.Object({ keyId: Type.String(), state: Type.Enum(keyStates) }, closed)
export const SetEffectDelay = Type.Object({ effectDelayMs: Milliseconds }, closed)
export const SetPendingDeletionError = Type.Object(
  { error: Type.Enum(['DisabledException', 'KMSInvalidStateException', 'alternate']) },
  closed,
)
export const InjectFault = Type.Object(
  {
    operation: OperationName,
    times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    effect: Type.Union([
      Type.Object(
        {
          type: Type.Literal('error'),
          code: Type.String({ pattern: '^[A-Za-z]{1,128}$' }),
          httpStatus: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
          message: Type.Optional(Type.String({ maxLength: 2048 })),
        },
        closed,
      ),
      Type.Object(
        { type: Type.Enum(['reset', 'reset-reply', 'hang', 'malformed-body', 'wrong-key-id']) },
        closed,
      ),
      Type.Object(
        { type: Type.Literal('patch-reply'), members: Type.Record(Type.String(), Type.Unknown()) },
        closed,
      ),
    ]),
  },
  closed,
)
export const SetLatency = Type.Object(
  { operation: OperationName, latencyMs: Type.Integer({ minimum: 0, maximum: 600_000 }) },
  closed,
)
export const AdvanceClock = Type.Object({ ms: Milliseconds }, closed)
export const SetSignatureSkew = Type.Object(
  { ms: Type.Integer({ minimum: -86_400_000, maximum: 86_400_000 }) },
  closed,
)

const filterMembers = {
  accountId: Type.Optional(AccountId),
  eventName: Type.Optional(Type.String()),
  requestId: Type.Optional(Type.String()),
}
export const FilterEvents = Type.Object(filterMembers, closed)
export const WaitForEvent = Type.Object(
  { ...filterMembers, timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })) },
  closed,
)
export const Nothing = Type.Object({}, closed)

/** Accounts and what is in them, planted in the order that lets policies name each other. */
export const Seed = Type.Object(
  {
    accounts: Type.Array(
      Type.Object(
        {
          accountId: AccountId,
          users: Type.Optional(Type.Array(Type.Object(userMembers, closed))),
          roles: Type.Optional(Type.Array(Type.Object(roleMembers, closed))),
          keys: Type.Optional(Type.Array(Type.Object(keyMembers, closed))),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type Seed = Static<typeof Seed>
