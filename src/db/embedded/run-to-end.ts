import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { DatabaseError } from '#db/database-error.ts'
import type { Command } from './server-user.ts'

const run = promisify(execFile)

/** Runs a program of PostgreSQL and answers what it printed. @throws {DatabaseError} with its own complaint. */
export async function runToEnd(command: Command, environment: Record<string, string>): Promise<string> {
  try {
    const { stdout } = await run(command.file, command.args, {
      ...command.identity,
      cwd: '/',
      env: environment,
      timeout: 120_000,
    })
    return stdout
  } catch (cause) {
    const complaint =
      cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause)
    throw new DatabaseError('embedded_postgres_failed', `PostgreSQL's ${command.file} failed: ${complaint}`, {
      cause,
    })
  }
}
