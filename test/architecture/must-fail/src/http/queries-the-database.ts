// refused: src/http may not use this package
import { sql } from 'kysely'

export const query = sql`SELECT 1`
