import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'
import { requireOwnDatabase } from '#cli/service/require-data-dir.ts'
import { loadConfig } from '#config/load-config.ts'
import type { Operator } from '#context/operator.ts'

/** Does one thing on the database of this deployment, as its operator; never makes a database for it. */
export async function asOperator<Result>(
  io: CliIo,
  work: (operator: Operator) => Promise<Result>,
): Promise<Result> {
  const config = loadConfig(io.env)
  if (config.databaseUrl === undefined) await requireOwnDatabase(config.dataDir)
  const { openOperator } = await import('#context/operator.ts')
  await using operator = await openOperator(config, () => {})
  try {
    return await work(operator)
  } catch (error) {
    throw isWithoutTables(error) ? databaseEmpty() : error
  }
}

/** SQLSTATE 42P01, undefined_table. */
function isWithoutTables(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '42P01'
}

function databaseEmpty(): CliError {
  return new CliError(
    'database_empty',
    'this database has no tables of Hasp yet.',
    'Make them first: hasp migrate',
  )
}
