export type DatabaseErrorCode =
  /** The connection string cannot be read. */
  | 'database_url_invalid'
  /** The database carries migrations that this version of the code does not know. */
  | 'database_newer_than_code'
  /** A migration failed; its transaction was rolled back. */
  | 'migration_failed'
  /** The PostgreSQL that Hasp starts itself cannot be started, reached or stopped. */
  | 'embedded_postgres_failed'

/** What goes wrong with the database as a whole. The message names the remedy and never holds a password. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  readonly code: DatabaseErrorCode

  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
