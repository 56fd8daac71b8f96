import { isId } from './ids.ts'

/** One page of a list, with what to pass for the next; null on the last page. */
export type Page<Item> = Readonly<{ items: Item[]; nextCursor: string | null }>

/** A cursor that we did not make. */
export class CursorError extends Error {
  override readonly name = 'CursorError'
  readonly code = 'invalid_cursor'

  constructor() {
    super('This cursor is not one that a list of ours returned.')
  }
}

/**
 * Makes a page of the rows of a query for `limit + 1` of them, ordered by id: the one too many only tells that
 * there is a next page.
 */
export function pageOf<Row extends { id: string }>(rows: Row[], limit: number): Page<Row> {
  return pageBy(rows, limit, (row) => row.id)
}

/** {@link pageOf} for rows whose id has another name. */
export function pageBy<Row>(rows: Row[], limit: number, idOf: (row: Row) => string): Page<Row> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(idOf(last)) : null }
}

/** Clients must treat it as opaque: the 16 bytes of an id, in base64url. */
export function encodeCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
}

/** The id after which the next page starts. @throws {CursorError} */
export function decodeCursor(cursor: string): string {
  const hex = Buffer.from(cursor, 'base64url').toString('hex')
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  // Node decodes leniently, so the cursor must also be the one spelling that we would have written.
  if (!isId(id) || encodeCursor(id) !== cursor) throw new CursorError()
  return id
}
