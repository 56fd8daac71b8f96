import { Type, type Static } from 'typebox'
import type { ApiDeps, ApiServer } from '#http/api-server.ts'
import { callerOf } from '#http/authenticate.ts'
import { Id, Nullable, PageOf, PageQuery, problemReplies, Time } from '#http/schemas.ts'
import { readReceipts, type ReceiptWithOutcome } from '#ledger/read-receipts.ts'

export const ReceiptReply = Type.Object(
  {
    receiptId: Id,
    occurredAt: Time,
    virtualKeyId: Id,
    targetId: Id,
    kekId: Id,
    credentialGeneration: Type.Integer(),
    provider: Type.String(),
    operation: Type.String(),
    model: Nullable(Type.String()),
    unwrap: Type.Object({
      unwrapId: Id,
      mode: Type.String(),
      isReused: Type.Boolean(),
      kmsRequestId: Type.String({
        description: 'The id of this unwrap in your own cloud log (CloudTrail requestID).',
      }),
      serviceRequestId: Type.Optional(
        Type.String({
          description:
            'The cloud’s own id of the call, where kmsRequestId is one that Hasp gave it (Azure x-ms-request-id).',
        }),
      ),
      materialId: Type.String(),
      unwrappedAt: Time,
    }),
    outcome: Nullable(
      Type.Object({
        end: Type.String(),
        status: Nullable(Type.Integer()),
        requestBytes: Type.Integer(),
        responseBytes: Type.Integer(),
        durationMs: Type.Integer(),
        upstreamRequestId: Nullable(Type.String()),
        settledAt: Time,
      }),
    ),
  },
  { title: 'Receipt' },
)

/** `GET /receipts`: proxied calls with their outcomes, newest first. */
export function listReceiptsRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    operationId: 'listReceipts',
    summary: 'Lists proxied calls with their outcomes, newest first.',
    tags: ['Ledger'],
    querystring: Type.Object(
      {
        ...PageQuery.properties,
        receiptId: Type.Optional(Id),
        virtualKeyId: Type.Optional(Id),
        targetId: Type.Optional(Id),
        kekId: Type.Optional(Id),
      },
      { additionalProperties: false },
    ),
    response: { 200: PageOf(ReceiptReply), ...problemReplies },
  }
  app.get('/receipts', { schema }, async (request) => {
    const page = await readReceipts(deps.db.kysely, { orgId: callerOf(request).orgId, ...request.query })
    return { nextCursor: page.nextCursor, items: page.items.map(receiptReply) }
  })
}

/** The bodies were written by src/ledger/batch-row.ts with these very fields; the response schema checks them again. */
function receiptReply({ receipt, outcome }: ReceiptWithOutcome): Static<typeof ReceiptReply> {
  return {
    receiptId: receipt.entryId,
    occurredAt: receipt.occurredAt.toISOString(),
    virtualKeyId: receipt.virtualKeyId,
    targetId: receipt.targetId,
    kekId: receipt.kekId,
    ...receipt.details,
    outcome: outcome === null ? null : { ...outcome.details, settledAt: outcome.occurredAt.toISOString() },
  } as Static<typeof ReceiptReply>
}
