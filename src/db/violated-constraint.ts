/** Name of the unique constraint that PostgreSQL says was violated (SQLSTATE 23505), if that is what went wrong. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505') return undefined
  return 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : undefined
}
