import { Type } from 'typebox'
import { entryKinds } from '#ledger/entry.ts'
import { readEntries } from '#ledger/read-entries.ts'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { Id, PageOf, PageQuery, problemReplies, Time } from '#http/schemas.ts'

const Kind = Type.Unsafe<(typeof entryKinds)[number]>({ type: 'string', enum: [...entryKinds] })

export const EntryReply = Type.Object(
  {
    entryId: Id,
    kind: Kind,
    occurredAt: Time,
    actor: Type.String(),
    kekId: Type.Optional(Id),
    targetId: Type.Optional(Id),
    virtualKeyId: Type.Optional(Id),
    receiptId: Type.Optional(Id),
    details: Type.Record(Type.String(), Type.Unknown()),
  },
  { title: 'LedgerEntry' },
)

/** `GET /ledger`: what happened, newest first; receipts of proxied calls are the kinds `receipt.*`. */
export function listEntriesRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listLedgerEntries',
    summary: 'Lists what happened, newest first.',
    tags: ['Ledger'],
    querystring: Type.Object(
      {
        ...PageQuery.properties,
        kind: Type.Optional(Kind),
        kekId: Type.Optional(Id),
        targetId: Type.Optional(Id),
        virtualKeyId: Type.Optional(Id),
        receiptId: Type.Optional(Id),
      },
      { additionalProperties: false },
    ),
    response: { 200: PageOf(EntryReply), ...problemReplies },
  }
  app.get('/ledger', { schema }, async (request) => {
    const page = await readEntries(deps.db.kysely, { orgId: callerOf(request).orgId, ...request.query })
    return {
      nextCursor: page.nextCursor,
      items: page.items.map((entry) => ({ ...entry, occurredAt: entry.occurredAt.toISOString() })),
    }
  })
}
