import type { ApiClient, Query } from './client.ts'

/** A part of a list, and where the rest of it starts. The same shape as the API's own pages. */
export type Listing<Item> = {
  items: Item[]
  /** Records that were changed outside of Hasp, where the list tells: they are only named. */
  tampered?: { id: string }[]
  nextCursor: string | null
}

const pageSizeMax = 100

/** Reads up to `limit` items of a list, however many pages that takes. */
export async function readListing<Item>(
  api: Pick<ApiClient, 'get'>,
  path: string,
  options: { limit: number; cursor?: string | undefined; query?: Query },
): Promise<Listing<Item>> {
  const items: Item[] = []
  let tampered: { id: string }[] | undefined
  let cursor: string | null | undefined = options.cursor
  do {
    const limit = Math.min(pageSizeMax, options.limit - items.length)
    const page: Listing<Item> = await api.get(path, {
      ...options.query,
      limit,
      cursor: cursor ?? undefined,
    })
    items.push(...page.items)
    if (page.tampered !== undefined) tampered = [...(tampered ?? []), ...page.tampered]
    cursor = page.nextCursor
  } while (cursor !== null && items.length < options.limit)
  return { items, ...(tampered === undefined ? {} : { tampered }), nextCursor: cursor }
}

/** The whole of a list. */
export async function readAll<Item>(api: Pick<ApiClient, 'get'>, path: string): Promise<Item[]> {
  const { items } = await readListing<Item>(api, path, { limit: Infinity })
  return items
}
