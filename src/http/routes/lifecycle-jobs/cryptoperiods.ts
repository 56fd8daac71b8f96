import { Type, type Static } from 'typebox'
import { decodeCursor, pageBy } from '#db/keyset.ts'
import {
  cryptoperiodStates,
  readCryptoperiods,
  readDueRecords,
  type Cryptoperiod,
} from '#jobs/cryptoperiod.ts'
import { kekStates, type Kek } from '#keks/kek.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { Id, IdParams, Nullable, PageOf, PageQuery, problemReplies, Time } from '#http/schemas.ts'

export const CryptoperiodReply = Type.Object(
  {
    kekId: Id,
    name: Type.String(),
    kekState: Type.Unsafe<Kek['state']>({ type: 'string', enum: [...kekStates] }),
    state: Type.Unsafe<Cryptoperiod['state']>({
      type: 'string',
      enum: [...cryptoperiodStates],
      description: 'due: nine tenths of a period are over.',
    }),
    wrapAgeDaysMax: Nullable(Type.Integer()),
    wrapsMax: Nullable(Type.Integer()),
    wraps: Type.Integer({ description: 'DEKs that the KEK has wrapped, by the ledger.' }),
    versions: Type.Integer({ description: 'Credential versions under the KEK now.' }),
    versionsDue: Type.Integer(),
    versionsOverdue: Type.Integer(),
    oldestWrappedAt: Nullable(Time),
  },
  { title: 'Cryptoperiod' },
)

export const DueRecordReply = Type.Object(
  {
    targetId: Id,
    name: Type.String(),
    wrappedAt: Time,
    dueAt: Time,
    overdueAt: Time,
    isOverdue: Type.Boolean(),
  },
  { title: 'DueRecord' },
)

/** `GET /cryptoperiods`: how far each KEK is in its cryptoperiods. */
export function listCryptoperiodsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listCryptoperiods',
    summary: 'Shows how old the wraps of each KEK are, how many it has made, and what is due.',
    tags: ['Lifecycle jobs'],
    querystring: PageQuery,
    response: { 200: ListingOf(CryptoperiodReply), ...problemReplies },
  }
  app.get('/cryptoperiods', { schema }, async (request) => {
    const { limit, cursor } = request.query
    const { orgId } = callerOf(request)
    const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
    const rows = await readCryptoperiods(deps, orgId, { afterId, limit })
    return listingOf(deps, { orgId, table: 'keks', rows, limit }, replyOf)
  })
}

/** `GET /cryptoperiods/:id/records`: the targets under one KEK whose wrap is due or overdue. */
export function listDueRecordsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listDueRecords',
    summary: 'Lists the targets under a KEK whose wrap is due or overdue.',
    tags: ['Lifecycle jobs'],
    params: IdParams,
    querystring: PageQuery,
    response: { 200: PageOf(DueRecordReply), ...problemReplies },
  }
  app.get('/cryptoperiods/:id/records', { schema }, async (request) => {
    const { limit, cursor } = request.query
    const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
    const { orgId } = callerOf(request)
    const rows = await readDueRecords(deps, orgId, request.params.id, { afterId, limit })
    const page = pageBy(rows, limit, (row) => row.targetId)
    const items = page.items.map(({ wrappedAt, dueAt, overdueAt, ...row }) => ({
      ...row,
      wrappedAt: wrappedAt.toISOString(),
      dueAt: dueAt.toISOString(),
      overdueAt: overdueAt.toISOString(),
    }))
    return { items, nextCursor: page.nextCursor }
  })
}

function replyOf({ kek, oldestWrappedAt, ...period }: Cryptoperiod): Static<typeof CryptoperiodReply> {
  const { id, name, state, wrapAgeDaysMax, wrapsMax } = kek
  return {
    ...period,
    kekId: id,
    name,
    kekState: state,
    wrapAgeDaysMax,
    wrapsMax,
    oldestWrappedAt: oldestWrappedAt?.toISOString() ?? null,
  }
}
