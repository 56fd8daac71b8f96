import { decodeCursor, pageBy } from '#db/keyset.ts'
import { readCryptoperiod, readCryptoperiods } from '#jobs/cryptoperiod.ts'
import { readDueRecords } from '#jobs/due-records.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { listingOf, ListingOf } from '#http/listing.ts'
import { IdParams, PageOf, PageQuery, problemReplies } from '#http/schemas.ts'
import {
  cryptoperiodReply,
  CryptoperiodReply,
  dueRecordReply,
  DueRecordReply,
} from './cryptoperiod-schema.ts'

/** `GET /cryptoperiods`: how far each KEK is in its periods. */
export function listCryptoperiodsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listCryptoperiods',
    summary:
      'Shows of each KEK how old its wraps, DEKs and credentials are, how many DEKs it has wrapped, and what is due.',
    tags: ['Lifecycle jobs'],
    querystring: PageQuery,
    response: { 200: ListingOf(CryptoperiodReply), ...problemReplies },
  }
  app.get('/cryptoperiods', { schema }, async (request) => {
    const { limit, cursor } = request.query
    const { orgId } = callerOf(request)
    const afterId = cursor === undefined ? undefined : decodeCursor(cursor)
    const rows = await readCryptoperiods(deps, orgId, { afterId, limit })
    return listingOf(deps, { orgId, table: 'keks', rows, limit }, cryptoperiodReply)
  })
}

/** `GET /cryptoperiods/:id`: how far one KEK is in its periods. */
export function readCryptoperiodRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'readCryptoperiod',
    summary: 'Shows of one KEK what listCryptoperiods shows of each; the id is that of the KEK.',
    tags: ['Lifecycle jobs'],
    params: IdParams,
    response: { 200: CryptoperiodReply, ...problemReplies },
  }
  app.get('/cryptoperiods/:id', { schema }, async (request) =>
    cryptoperiodReply(await readCryptoperiod(deps, callerOf(request).orgId, request.params.id)),
  )
}

/** `GET /cryptoperiods/:id/records`: the targets under one KEK of which anything is due or overdue. */
export function listDueRecordsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listDueRecords',
    summary: 'Lists the targets under a KEK whose wrap, DEK or credential is due or overdue.',
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
    const { items, nextCursor } = pageBy(rows, limit, (row) => row.targetId)
    return { items: items.map(dueRecordReply), nextCursor }
  })
}
