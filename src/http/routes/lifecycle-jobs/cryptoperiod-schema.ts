import { Type, type Static } from 'typebox'
import { agedKinds, daysMaxOf, type AgedKind } from '#jobs/aged.ts'
import { cryptoperiodStates, type Cryptoperiod } from '#jobs/cryptoperiod.ts'
import type { DueRecord } from '#jobs/due-records.ts'
import { remedies, type Remedy } from '#jobs/remedy.ts'
import { kekStates, type Kek } from '#keks/kek.ts'
import { Id, Nullable, Time } from '#http/schemas.ts'

const RemedySchema = Type.Unsafe<Remedy>({
  type: 'string',
  enum: [...remedies],
  description:
    'rewrap, re-encrypt, move: the lifecycle job to start (POST /lifecycle-jobs); none starts by itself. rotate: have the provider make another credential, and give it to the target (PATCH /api-targets/{id}). retire: the KEK has wrapped enough, and nothing is under it.',
})

function Age(of: string) {
  return Type.Object(
    {
      daysMax: Nullable(Type.Integer({ description: 'The limit; null for none.' })),
      total: Type.Integer({ description: 'How many are under the KEK now.' }),
      due: Type.Integer({ description: 'Those of them in the last tenth of their period.' }),
      overdue: Type.Integer(),
      oldestSince: Nullable(Time),
    },
    { description: of },
  )
}

export const CryptoperiodReply = Type.Object(
  {
    kekId: Id,
    name: Type.String(),
    kekState: Type.Unsafe<Kek['state']>({ type: 'string', enum: [...kekStates] }),
    state: Type.Unsafe<Cryptoperiod['state']>({
      type: 'string',
      enum: [...cryptoperiodStates],
      description: 'The worst of all. due: nine tenths of a period are over.',
    }),
    ages: Type.Object({
      wrap: Age('Credential versions, by when their DEK was last wrapped.'),
      dek: Age('Credential versions, by when their DEK was made.'),
      credential: Age('Credentials in use, by when Hasp was given them.'),
    }),
    wrapsMax: Nullable(Type.Integer()),
    wraps: Type.Integer({ description: 'DEKs that the KEK has wrapped, by the ledger.' }),
    remedies: Type.Array(RemedySchema, {
      description: 'What is to be done about it, in this order; empty where nothing is due.',
    }),
  },
  { title: 'Cryptoperiod' },
)

export const DueRecordReply = Type.Object(
  {
    targetId: Id,
    name: Type.String(),
    due: Type.Array(
      Type.Object({
        what: Type.Unsafe<AgedKind>({ type: 'string', enum: [...agedKinds] }),
        since: { ...Time, description: 'What its age counts from; of several versions, the oldest.' },
        dueAt: Time,
        overdueAt: Time,
        isOverdue: Type.Boolean(),
        remedy: RemedySchema,
      }),
    ),
  },
  { title: 'DueRecord' },
)

export function cryptoperiodReply(period: Cryptoperiod): Static<typeof CryptoperiodReply> {
  const { kek, state, wraps } = period
  const age = (kind: AgedKind) => {
    const { oldestSince, ...counts } = period.ages[kind]
    return {
      daysMax: daysMaxOf(kek, kind),
      ...counts,
      oldestSince: oldestSince?.toISOString() ?? null,
    }
  }
  return {
    kekId: kek.id,
    name: kek.name,
    kekState: kek.state,
    state,
    ages: { wrap: age('wrap'), dek: age('dek'), credential: age('credential') },
    wrapsMax: kek.wrapsMax,
    wraps,
    remedies: [...period.remedies],
  }
}

export function dueRecordReply({ due, ...target }: DueRecord): Static<typeof DueRecordReply> {
  return {
    ...target,
    due: due.map(({ since, dueAt, overdueAt, ...item }) => ({
      ...item,
      since: since.toISOString(),
      dueAt: dueAt.toISOString(),
      overdueAt: overdueAt.toISOString(),
    })),
  }
}
