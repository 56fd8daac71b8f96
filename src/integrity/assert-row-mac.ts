import type { MacRow } from './row-encoding.ts'
import { verifyRowMac } from './row-mac.ts'
import type { SecretRing } from './secret-ring.ts'

/** A row of the database is not one that this service wrote: edited, forged, or moved from elsewhere. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError'
  readonly code = 'row_tampered'
  readonly table: string

  constructor(table: string) {
    super(
      `A row of ${table} does not carry this service's mac: it was changed outside of Hasp, or under another root secret.`,
    )
    this.table = table
  }
}

/**
 * A value that has no canonical encoding (`infinity` in a time, NULL in an array) was never written by this service.
 * @throws {IntegrityError} unless the row is exactly as this service wrote it.
 */
export function assertRowMac(ring: SecretRing, table: string, row: MacRow, mac: Uint8Array): void {
  if (!isGenuine(ring, table, row, mac)) throw new IntegrityError(table)
}

function isGenuine(ring: SecretRing, table: string, row: MacRow, mac: Uint8Array): boolean {
  try {
    return verifyRowMac(ring, table, row, mac)
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

/** The records of the rows that are genuine; each other row is only reported, so that it spoils nothing but itself. */
export function genuineRows<Row, Entity>(
  rows: readonly Row[],
  read: (row: Row) => Entity,
  onTampered: (row: Row) => void,
): Entity[] {
  return rows.flatMap((row) => {
    try {
      return [read(row)]
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error
      onTampered(row)
      return []
    }
  })
}

/** A stored record under its id; null where the row is not one that this service wrote. */
export type Judged<Entity> = Readonly<{ id: string; record: Entity | null }>

/** The row, where there is one and it is not genuine: only such a one may be replaced unread. */
export function onlyIfTampered<Row>(row: Row | undefined, read: (row: Row) => unknown): Row | undefined {
  const isGenuine = row !== undefined && genuineRows([row], read, () => {}).length === 1
  return isGenuine ? undefined : row
}

/** Each row's record, in the order of the rows; of a row that is not genuine, the mere id. */
export function judgedRows<Row extends { id: string }, Entity>(
  rows: readonly Row[],
  read: (row: Row) => Entity,
): Judged<Entity>[] {
  return rows.map((row) => ({ id: row.id, record: genuineRows([row], read, () => {})[0] ?? null }))
}

/** As {@link judgedRows}, by the rows' digests in base64; `tampered` stands for a row that is not genuine. */
export function judgedByDigest<Row extends { id: string; digest: Buffer }, Entity>(
  rows: readonly Row[],
  read: (row: Row) => Entity,
): ReadonlyMap<string, Entity | 'tampered'> {
  const judged = judgedRows(rows, read)
  return new Map(
    rows.map(({ digest }, row) => [digest.toString('base64'), judged[row]?.record ?? 'tampered']),
  )
}
