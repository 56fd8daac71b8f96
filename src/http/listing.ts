import { Type, type TSchema } from 'typebox'
import { pageOf } from '#db/keyset.ts'
import type { Judged } from '#integrity/assert-row-mac.ts'
import type { ApiDeps } from './api-server.ts'
import { Id, Nullable } from './schemas.ts'

/** A page of stored records, in which those that were tampered with are only named. */
export function ListingOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item),
    tampered: Type.Array(Type.Object({ id: Id }), {
      description:
        'Records of this page that were changed outside of Hasp: they are never used, and nothing of them is shown. Delete, revoke or retire each by its id.',
    }),
    nextCursor: Nullable(Type.String()),
  })
}

/** Makes the page of a query for `limit + 1` records, and raises the alarm for each that was tampered with. */
export function listingOf<Entity, Item>(
  deps: Pick<ApiDeps, 'onTampered'>,
  source: { orgId: string; table: string; rows: Judged<Entity>[]; limit: number },
  replyOf: (record: Entity) => Item,
): { items: Item[]; tampered: { id: string }[]; nextCursor: string | null } {
  const { orgId, table, rows, limit } = source
  const page = pageOf(rows, limit)
  const items: Item[] = []
  const tampered: { id: string }[] = []
  for (const { id, record } of page.items) {
    if (record !== null) items.push(replyOf(record))
    else {
      deps.onTampered({ orgId, table, id })
      tampered.push({ id })
    }
  }
  return { items, tampered, nextCursor: page.nextCursor }
}
