import { Type, type Static } from 'typebox'
import {
  closed,
  faultInput,
  latencyInput,
  Milliseconds,
  waitMembers,
} from '#emulators/common/control-inputs.ts'
import { PolicyInput } from '#emulators/google/iam/policy.ts'
import { protectionLevels, purposes, versionStates } from '#emulators/google/kms/resources.ts'
import { statusNames } from '#emulators/google/wire/status-error.ts'

const ProjectId = Type.String({ pattern: '^[a-z][a-z0-9-]{4,28}[a-z0-9]$' })
const Part = Type.String({ pattern: '^[a-zA-Z0-9_-]{1,63}$' })
const Location = Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$' })
const Operation = Type.String({ pattern: '^(\\*|[A-Za-z]{1,64}|location:[a-z0-9-]{1,63})$' })
const Email = Type.String({ minLength: 3, maxLength: 320 })
const Name = Type.String({ minLength: 1, maxLength: 1024 })

export const CreateProject = Type.Object({ projectId: ProjectId }, closed)
export const SetApiEnabled = Type.Object({ projectId: ProjectId, isEnabled: Type.Boolean() }, closed)

const serviceAccountMembers = { name: Type.String({ pattern: '^[a-z][a-z0-9-]{4,28}[a-z0-9]$' }) }
export const CreateServiceAccount = Type.Object({ projectId: ProjectId, ...serviceAccountMembers }, closed)
export const NameServiceAccount = Type.Object({ email: Email }, closed)
export const SetServiceAccountDisabled = Type.Object({ email: Email, isDisabled: Type.Boolean() }, closed)

const keyMembers = {
  location: Type.Optional(Location),
  keyRing: Type.Optional(Part),
  cryptoKey: Part,
  purpose: Type.Optional(Type.Enum(purposes)),
  protectionLevel: Type.Optional(Type.Enum(protectionLevels)),
  destroyScheduledMs: Type.Optional(Milliseconds),
  labels: Type.Optional(Type.Record(Type.String(), Type.String())),
}
export const CreateKey = Type.Object({ projectId: ProjectId, ...keyMembers }, closed)
export const SetVersionState = Type.Object(
  { keyName: Name, version: Type.Optional(Type.Integer({ minimum: 1 })), state: Type.Enum(versionStates) },
  closed,
)
export const RotateKey = Type.Object({ keyName: Name }, closed)
export const SetPolicy = Type.Object({ resource: Name, policy: PolicyInput }, closed)
export const Binding = Type.Object(
  {
    resource: Name,
    binding: Type.Object({ role: Name, members: Type.Array(Name, { minItems: 1 }) }, closed),
  },
  closed,
)
export const CreateRole = Type.Object({ name: Name, permissions: Type.Array(Name) }, closed)

/** A workloadIdentityPools.providers resource of IAM's API, as far as the emulator judges it. */
export const CreateIdentityProvider = Type.Object(
  {
    name: Name,
    oidc: Type.Object(
      {
        issuerUri: Type.String({ maxLength: 2048 }),
        allowedAudiences: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 10 })),
        /** JSON Web Keys of an issuer that is not Google. */
        jwks: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
      },
      closed,
    ),
    attributeMapping: Type.Optional(Type.Object({ 'google.subject': Type.Literal('assertion.sub') }, closed)),
    attributeCondition: Type.Optional(Type.String({ maxLength: 4096 })),
  },
  closed,
)
export const NameIdentityProvider = Type.Object({ name: Name }, closed)
export const SetIdentityProviderDisabled = Type.Object({ name: Name, isDisabled: Type.Boolean() }, closed)

export const SetDelays = Type.Object(
  { effectDelayMs: Type.Optional(Milliseconds), policyDelayMs: Type.Optional(Milliseconds) },
  closed,
)
export const InjectFault = faultInput(Operation, [
  Type.Object(
    {
      type: Type.Literal('error'),
      code: Type.Enum(statusNames),
      message: Type.Optional(Type.String({ maxLength: 2048 })),
      reason: Type.Optional(Type.String({ maxLength: 128 })),
      violations: Type.Optional(
        Type.Array(
          Type.Object(
            {
              type: Type.String(),
              subject: Type.Optional(Type.String()),
              description: Type.Optional(Type.String()),
            },
            closed,
          ),
        ),
      ),
      retryDelayMs: Type.Optional(Milliseconds),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Enum([
        'reset',
        'reset-reply',
        'hang',
        'malformed-body',
        'damaged-reply',
        'damaged-request',
        'wrong-key',
      ]),
    },
    closed,
  ),
])
export const SetLatency = latencyInput(Operation)

const filterMembers = {
  projectId: Type.Optional(ProjectId),
  log: Type.Optional(Type.Enum(['activity', 'data_access'])),
  methodName: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
}
export const FilterEntries = Type.Object(filterMembers, closed)
export const WaitForEntry = Type.Object({ ...filterMembers, ...waitMembers }, closed)

/** Projects and what is in them. Policies name members, so they come last. */
export const Seed = Type.Object(
  {
    projects: Type.Array(
      Type.Object(
        {
          projectId: ProjectId,
          serviceAccounts: Type.Optional(Type.Array(Type.Object(serviceAccountMembers, closed))),
          keys: Type.Optional(Type.Array(Type.Object(keyMembers, closed))),
          isDataAccessLogged: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type Seed = Static<typeof Seed>
