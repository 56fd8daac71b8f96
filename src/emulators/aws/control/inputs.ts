import { Type, type Static } from 'typebox'
import {
  closed,
  faultInput,
  latencyInput,
  Milliseconds,
  OperationName,
  waitMembers,
} from '#emulators/common/control-inputs.ts'
import { keyOrigins, keyStates } from '#emulators/aws/kms/kms-key.ts'

const AccountId = Type.String({ pattern: '^\\d{12}$' })
const Name = Type.String({ pattern: '^[A-Za-z0-9_+=,.@-]{1,64}$' })
const Policy = Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown())])

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
export const InjectFault = faultInput(OperationName, [
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
])
export const SetLatency = latencyInput(OperationName)

const filterMembers = {
  accountId: Type.Optional(AccountId),
  eventName: Type.Optional(Type.String()),
  requestId: Type.Optional(Type.String()),
}
export const FilterEvents = Type.Object(filterMembers, closed)
export const WaitForEvent = Type.Object({ ...filterMembers, ...waitMembers }, closed)

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
