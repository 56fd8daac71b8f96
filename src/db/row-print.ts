import { sql, type RawBuilder } from 'kysely'
import type { Schema } from './schema.ts'

/**
 * A fingerprint over every column of a row, by PostgreSQL's own hash of records (64 bits): tells, cheaply, that a row
 * is another than it was. Null where an outer join found no row. It proves nothing about who wrote the row.
 */
export function rowPrint(table: keyof Schema): RawBuilder<string | null> {
  return sql<string | null>`hash_record_extended(${sql.table(table)}, 0)::text`
}
