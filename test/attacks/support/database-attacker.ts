import { Client } from 'pg'
import type { AnyJson } from '../../support/running-hasp.ts'

/** The tables that decide to whom a credential is lent, and what names a row in each. */
export const guardedTables = {
  keks: ['id'],
  targets: ['id'],
  credentials: ['target_id', 'generation'],
  virtual_keys: ['id'],
  admin_tokens: ['id'],
} as const
export type GuardedTable = keyof typeof guardedTables

export type Column = Readonly<{ name: string; type: string; isNullable: boolean }>
/** The text of every column, and NULL as null; made by PostgreSQL, so that it casts back to the same value. */
export type RowText = Readonly<Record<string, string | null>>

/**
 * Somebody who may write anything into the database, and has taken every constraint out of the way. Knows the rows as
 * they were when it came (`remember`), and can put them back.
 */
export class DatabaseAttacker implements AsyncDisposable {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  static async connect(url: string): Promise<DatabaseAttacker> {
    const client = new Client({ connectionString: url })
    await client.connect()
    // Only to be quick: nothing here has to survive a crash.
    await client.query('SET synchronous_commit = off')
    return new DatabaseAttacker(client)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }

  async query(sql: string, values?: unknown[]): Promise<AnyJson[]> {
    return (await this.#client.query(sql, values)).rows
  }

  /** Removes keys, unique indices, checks and foreign keys, and keeps a copy of every guarded table. */
  async remember(): Promise<void> {
    const tables = Object.keys(guardedTables)
    const constraints = await this.query(
      `SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint
       WHERE contype IN ('c', 'f', 'u', 'p') AND (conrelid::regclass::text = ANY ($1) OR confrelid::regclass::text = ANY ($1))
       ORDER BY contype = 'f' DESC`,
      [tables],
    )
    for (const { table, name } of constraints)
      await this.query(`ALTER TABLE ${table} DROP CONSTRAINT "${name}" CASCADE`)
    await this.query('DROP INDEX keks_claimed_once, keks_named_once')
    for (const table of tables) {
      await this.query(`DROP TABLE IF EXISTS saved_${table}`)
      await this.query(`CREATE TABLE saved_${table} AS TABLE ${table}`)
    }
  }

  /** Every column that there is, so that none can be forgotten here. */
  async columnsOf(table: GuardedTable): Promise<Column[]> {
    const columns = await this.query(
      `SELECT column_name AS name, udt_name AS type, is_nullable = 'YES' AS "isNullable"
       FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position`,
      [table],
    )
    return columns as Column[]
  }

  async read(table: GuardedTable, id: string): Promise<RowText> {
    const columns = await this.columnsOf(table)
    const texts = columns.map(({ name }) => `${name}::text AS ${name}`).join(', ')
    const [row] = await this.query(
      `SELECT ${texts} FROM ${table} WHERE ${guardedTables[table][0]}::text = $1`,
      [id],
    )
    return row as RowText
  }

  /**
   * Puts every guarded row back, runs `change`, and raises every epoch, so that no node lends from what it read before.
   * @returns false when PostgreSQL does not take the change, or it changes nothing.
   */
  async apply(change: string): Promise<boolean> {
    const restore = Object.keys(guardedTables)
      .map((table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM saved_${table};`)
      .join('\n')
    await this.#client.query(`BEGIN; ${restore} UPDATE organisations SET epoch = epoch + 1; COMMIT`)
    if (change === '') return true
    try {
      const { rowCount } = await this.#client.query(change)
      return (rowCount ?? 0) > 0
    } catch (error) {
      // Class 22 and 23: the text is no value of the type. Anything else is a mistake of the test.
      if (error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code))) return false
      throw error
    }
  }

  async restore(): Promise<void> {
    await this.apply('')
  }

  /** SQL that writes `value` into one column of one row, if that changes it. */
  set(table: GuardedTable, id: string, column: Column, value: string | null): string {
    const literal = value === null ? 'NULL' : `${this.#client.escapeLiteral(value)}::${column.type}`
    return `UPDATE ${table} SET ${column.name} = ${literal}
      WHERE ${guardedTables[table][0]}::text = ${this.#client.escapeLiteral(id)} AND ${column.name} IS DISTINCT FROM ${literal}`
  }

  /** SQL that exchanges `columns` between two rows. */
  swap(table: GuardedTable, one: string, other: string, columns: readonly string[]): string {
    const [rowId] = guardedTables[table]
    const [first, second] = [this.#client.escapeLiteral(one), this.#client.escapeLiteral(other)]
    const assignments = columns.map((column) => `${column} = theirs.${column}`).join(', ')
    return `UPDATE ${table} AS mine SET ${assignments} FROM saved_${table} AS theirs
      WHERE mine.${rowId}::text IN (${first}, ${second}) AND theirs.${rowId}::text IN (${first}, ${second})
        AND mine.${rowId} <> theirs.${rowId} AND (${columns.map((column) => `mine.${column} IS DISTINCT FROM theirs.${column}`).join(' OR ')})`
  }
}
