import { Type, type Static } from 'typebox'
import {
  lifecycleJobKinds,
  lifecycleJobStates,
  recordsPerSecondDefault,
  type LifecycleJob,
  type LifecycleJobStatus,
} from '#jobs/lifecycle-job.ts'
import { Id, Nullable, Time } from '#http/schemas.ts'

const Kind = Type.Unsafe<LifecycleJob['kind']>({
  type: 'string',
  enum: [...lifecycleJobKinds],
  description:
    'rewrap: the same DEKs, wrapped anew under the same KEK; move: under another KEK; re-encrypt: new DEKs.',
})

export const NewLifecycleJob = Type.Object(
  {
    kind: Kind,
    fromKekId: Type.Optional(
      Type.String({ format: 'uuid', description: 'Needed unless targetId is given.' }),
    ),
    toKekId: Type.Optional(Type.String({ format: 'uuid', description: 'For a move, and only for it.' })),
    targetId: Type.Optional(Type.String({ format: 'uuid', description: 'Only this one target.' })),
    recordsPerSecondMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: recordsPerSecondDefault,
        description:
          'Rate limit: each record takes an unwrap and a wrap for every version of its credential.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const LifecycleJobReply = Type.Object(
  {
    id: Id,
    kind: Kind,
    fromKekId: Id,
    toKekId: Id,
    targetId: Nullable(Id),
    recordsPerSecondMax: Type.Integer(),
    state: Type.Unsafe<LifecycleJob['state']>({
      type: 'string',
      enum: [...lifecycleJobStates],
      description:
        'blocked: somebody must act (stateReason), it goes on by itself; failed: ended, with records that could not be done (ledger kind target.rewrap-failed).',
    }),
    stateReason: Nullable(Type.String()),
    recordsTotal: Type.Integer(),
    recordsDone: Type.Integer(),
    recordsFailed: Type.Integer(),
    lastError: Nullable(Type.String()),
    runBy: Nullable(Type.String({ description: 'The process that works on it, or did last: host and pid.' })),
    actor: Type.String(),
    createdAt: Time,
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
  },
  { title: 'LifecycleJob' },
)

export function lifecycleJobReply({ job, progress }: LifecycleJobStatus): Static<typeof LifecycleJobReply> {
  const { orgId: _, ...shown } = job
  return {
    ...shown,
    ...progress,
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    endedAt: job.endedAt?.toISOString() ?? null,
  }
}
