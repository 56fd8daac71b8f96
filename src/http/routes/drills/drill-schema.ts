import { Type, type Static } from 'typebox'
import { drillLimits, drillMarks, drillStates, type Drill, type DrillMark } from '#keks/drill/drill.ts'
import type { DrillMeasure } from '#keks/drill/measure.ts'
import { unwrapModes, type UnwrapMode } from '#keks/kek.ts'
import { Id, Nullable, Time } from '#http/schemas.ts'

const { canaryIntervalMs, durationMs, boundMs } = drillLimits

export const NewDrill = Type.Object(
  {
    canaryIntervalMs: Type.Optional(
      Type.Integer({
        minimum: canaryIntervalMs.min,
        maximum: canaryIntervalMs.max,
        default: canaryIntervalMs.default,
        description: 'How often a canary asks for an unwrap; the figures are as fine as this.',
      }),
    ),
    durationMs: Type.Optional(
      Type.Integer({
        minimum: durationMs.min,
        maximum: durationMs.max,
        default: durationMs.default,
        description: 'When the drill ends by itself.',
      }),
    ),
    boundMs: Type.Optional(
      Type.Integer({
        minimum: boundMs.min,
        maximum: boundMs.max,
        description: 'In place of the published bound (revocationBound.newRequestsMs of the KEK).',
      }),
    ),
  },
  { additionalProperties: false },
)

export const NewMark = Type.Object(
  {
    mark: Type.Unsafe<DrillMark>({ type: 'string', enum: [...drillMarks] }),
    at: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'When the cloud answered; now, where nothing is said.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const DrillParams = Type.Object({ id: Id, drillId: Id }, { additionalProperties: false })

const Span = Type.Integer({ minimum: 0 })
const KmsRequestId = Nullable(
  Type.String({ description: 'By which the call is found in the log of the KMS’s owner.' }),
)

const Measure = Type.Object({
  served: Type.Integer(),
  refused: Type.Integer(),
  unanswered: Type.Integer({ description: 'Canaries of which nobody could say: unreachable, throttled, …' }),
  lastSuccess: Nullable(
    Type.Object({
      at: Time,
      afterMs: Nullable(Span),
      isReused: Type.Boolean(),
      unwrapId: Id,
      kmsRequestId: KmsRequestId,
    }),
  ),
  firstRefusal: Nullable(
    Type.Object({ at: Time, afterMs: Nullable(Span), code: Type.String(), kmsRequestId: KmsRequestId }),
  ),
  firstSuccessAgain: Nullable(
    Type.Object({ at: Time, afterMs: Span, unwrapId: Id, kmsRequestId: KmsRequestId }),
  ),
  heldMsMax: Type.Integer({
    minimum: 0,
    description: 'The longest that an answer of the KMS was used after it was given; at most haspMs.',
  }),
  isMarkedLate: Type.Boolean({
    description: 'Canaries were refused before the withdrawal was marked: the spans since it are too short.',
  }),
  verdict: Type.Unsafe<DrillMeasure['verdict']>({
    type: 'string',
    enum: ['within', 'exceeded', 'unknown'],
    description: 'The last success against boundMs, and heldMsMax against haspMs.',
  }),
})

export const DrillReply = Type.Object(
  {
    id: Id,
    kekId: Id,
    state: Type.Unsafe<Drill['state']>({
      type: 'string',
      enum: [...drillStates],
      description:
        'finished: withdrawn and restored, and both seen; interrupted: the node that ran it stopped.',
    }),
    actor: Type.String(),
    unwrapMode: Type.Unsafe<UnwrapMode>({ type: 'string', enum: [...unwrapModes] }),
    canaryIntervalMs: Type.Integer(),
    haspMs: Span,
    boundMs: Span,
    startedAt: Time,
    endsBy: Time,
    withdrawnAt: Nullable(Time),
    restoringAt: Nullable(Time),
    restoredAt: Nullable(Time),
    endedAt: Nullable(Time),
    measure: Measure,
  },
  { title: 'Drill' },
)

export function drillReply(drill: Drill): Static<typeof DrillReply> {
  const { orgId: _, ...shown } = drill
  return {
    ...shown,
    startedAt: drill.startedAt.toISOString(),
    endsBy: drill.endsBy.toISOString(),
    withdrawnAt: drill.withdrawnAt?.toISOString() ?? null,
    restoringAt: drill.restoringAt?.toISOString() ?? null,
    restoredAt: drill.restoredAt?.toISOString() ?? null,
    endedAt: drill.endedAt?.toISOString() ?? null,
  }
}
