import { Type, type Static } from 'typebox'
import {
  closed,
  faultInput,
  latencyInput,
  Milliseconds,
  OperationName,
  waitMembers,
} from '#emulators/common/control-inputs.ts'
import { keyOperations, keyTypes } from '#emulators/azure/vault/key.ts'

const Guid = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })
const StoreName = Type.String({ pattern: '^[a-z][a-z0-9-]{1,22}[a-z0-9]$' })
const StoreRef = Type.String({ minLength: 3, maxLength: 128 })
const KeyName = Type.String({ pattern: '^[0-9A-Za-z-]{1,127}$' })
const KeyId = Type.String({ maxLength: 512 })
const Code = Type.String({ pattern: '^[A-Za-z]{1,128}$' })
const HttpStatus = Type.Integer({ minimum: 400, maximum: 599 })

export const CreateTenant = Type.Object({ tenantId: Type.Optional(Guid) }, closed)
export const NameTenant = Type.Object({ tenantId: Guid }, closed)

const applicationMembers = {
  name: Type.Optional(Type.String({ maxLength: 120 })),
  clientId: Type.Optional(Guid),
  /** Its one secret; without it, a new one. */
  clientSecret: Type.Optional(Type.String({ minLength: 16, maxLength: 128 })),
}
const storeMembers = {
  name: StoreName,
  kind: Type.Optional(Type.Enum(['vault', 'managed-hsm'])),
  domain: Type.Optional(Type.Enum(['azure.net', 'azure.cn', 'usgovcloudapi.net'])),
  /** Whether a diagnostic setting exists from the start. */
  isLogged: Type.Optional(Type.Boolean()),
}
const keyMembers = {
  name: KeyName,
  keyType: Type.Optional(Type.Enum(keyTypes)),
  bits: Type.Optional(Type.Integer({ minimum: 128, maximum: 4096 })),
  operations: Type.Optional(Type.Array(Type.Enum(keyOperations))),
  tags: Type.Optional(Type.Record(Type.String(), Type.String())),
  version: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$' })),
}

export const CreateApplication = Type.Object({ tenantId: Guid, ...applicationMembers }, closed)
export const NameApplication = Type.Object({ clientId: Guid }, closed)
export const SetEnabled = Type.Object({ clientId: Guid, isEnabled: Type.Boolean() }, closed)
export const NamePrincipal = Type.Object({ tenantId: Guid, clientId: Guid }, closed)
export const SetPrincipalEnabled = Type.Object(
  { tenantId: Guid, clientId: Guid, isEnabled: Type.Boolean() },
  closed,
)
export const CreateIssuer = Type.Object({ issuer: Type.String({ maxLength: 512 }) }, closed)
export const AddFederatedCredential = Type.Object(
  {
    clientId: Guid,
    issuer: Type.String({ maxLength: 512 }),
    subject: Type.String({ maxLength: 512 }),
    audience: Type.Optional(Type.String({ maxLength: 512 })),
  },
  closed,
)
export const IssueAssertion = Type.Object(
  {
    issuer: Type.String({ maxLength: 512 }),
    subject: Type.String({ maxLength: 512 }),
    audience: Type.Optional(Type.String({ maxLength: 512 })),
    lifetimeMs: Type.Optional(Milliseconds),
  },
  closed,
)
export const CreateStore = Type.Object({ tenantId: Guid, ...storeMembers }, closed)
export const NameStore = Type.Object({ store: StoreRef }, closed)
export const SetNetwork = Type.Object(
  { store: StoreRef, isOpen: Type.Boolean(), addresses: Type.Optional(Type.Array(Type.String())) },
  closed,
)
export const SetLogged = Type.Object({ store: StoreRef, isLogged: Type.Boolean() }, closed)
export const CreateKey = Type.Object({ store: StoreRef, ...keyMembers }, closed)
export const NameKey = Type.Object({ keyId: KeyId }, closed)
export const SetKey = Type.Object(
  {
    keyId: KeyId,
    isEnabled: Type.Optional(Type.Boolean()),
    /** Milliseconds since the epoch; null takes the date away. */
    notBeforeMs: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    expiresAtMs: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    operations: Type.Optional(Type.Array(Type.Enum(keyOperations))),
    /** In place of those that there are. */
    tags: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  closed,
)
export const CreateRole = Type.Object(
  { name: Type.String({ maxLength: 128 }), dataActions: Type.Array(Type.String({ maxLength: 256 })) },
  closed,
)
export const AssignRole = Type.Object(
  {
    objectId: Guid,
    role: Type.String({ maxLength: 128 }),
    store: StoreRef,
    /** One key of it; without, the whole store. */
    keyName: Type.Optional(KeyName),
  },
  closed,
)
/** Consent and role in one. */
export const Grant = Type.Object(
  {
    tenantId: Guid,
    clientId: Guid,
    role: Type.String({ maxLength: 128 }),
    store: StoreRef,
    keyName: Type.Optional(KeyName),
  },
  closed,
)
export const NameAssignment = Type.Object({ assignmentId: Guid }, closed)
export const SetEffectDelay = Type.Object({ effectDelayMs: Milliseconds }, closed)
export const InjectFault = faultInput(OperationName, [
  Type.Object(
    {
      type: Type.Literal('error'),
      httpStatus: HttpStatus,
      code: Code,
      innerCode: Type.Optional(Code),
      message: Type.Optional(Type.String({ maxLength: 2048 })),
      retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400 })),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('entra-error'),
      aadsts: Type.Integer({ minimum: 1000, maximum: 99_999_999 }),
      httpStatus: Type.Optional(HttpStatus),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('page'), httpStatus: HttpStatus }, closed),
  Type.Object(
    {
      type: Type.Enum(['reset', 'reset-reply', 'hang', 'malformed-body', 'wrong-key-id', 'redirect']),
    },
    closed,
  ),
])
export const SetLatency = latencyInput(OperationName)

const filterMembers = {
  operationName: Type.Optional(Type.String()),
  correlationId: Type.Optional(Type.String()),
  objectId: Type.Optional(Type.String()),
}
export const FilterEvents = Type.Object(filterMembers, closed)
export const WaitForEvent = Type.Object({ ...filterMembers, ...waitMembers }, closed)

/** Tenants and what is in them, planted in an order that lets consents name applications of other tenants. */
export const Seed = Type.Object(
  {
    tenants: Type.Array(
      Type.Object(
        {
          tenantId: Type.Optional(Guid),
          applications: Type.Optional(Type.Array(Type.Object(applicationMembers, closed))),
          stores: Type.Optional(
            Type.Array(
              Type.Object(
                {
                  ...storeMembers,
                  keys: Type.Optional(Type.Array(Type.Object(keyMembers, closed))),
                },
                closed,
              ),
            ),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type Seed = Static<typeof Seed>
