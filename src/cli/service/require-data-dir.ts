import { access, mkdtemp, rmdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CliError } from '#cli/cli-error.ts'
import type { Config } from '#config/load-config.ts'
import { makeDirectory } from '#config/make-directory.ts'

/**
 * Makes sure that Hasp can keep its data in `dataDir`, by writing there, before anything is started on it.
 * @param databaseUrl given where the database is elsewhere
 * @throws {CliError} `data_dir_unusable`
 */
export async function requireDataDir({
  dataDir,
  databaseUrl,
}: Pick<Config, 'dataDir' | 'databaseUrl'>): Promise<void> {
  try {
    await makeDirectory(dataDir, 0o700)
    await rmdir(await mkdtemp(join(dataDir, '.is-writable-')))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new CliError(
      'data_dir_unusable',
      `the data directory ${resolve(dataDir)} can not be written to (${code}).`,
      'Set HASP_DATA_DIR to a directory that the user who runs Hasp may write to.',
    )
  }
  if (databaseUrl === undefined) await requireOwner(dataDir)
}

/** A database that another user made is of no use to this one, root included: PostgreSQL insists on its own files. */
async function requireOwner(dataDir: string): Promise<void> {
  const made = await stat(join(dataDir, 'postgres')).catch(() => null)
  const uid = process.getuid?.()
  if (made === null || uid === undefined || made.uid === uid) return
  throw new CliError(
    'data_dir_unusable',
    `the database in ${resolve(dataDir)} was made by another user (uid ${made.uid}; this is ${uid}).`,
    `Start Hasp as that user, or set HASP_DATA_DIR to another directory.`,
  )
}

/**
 * Refuses to start an empty database where the operator means one that is there already.
 * @throws {CliError} `data_dir_unusable`
 */
export async function requireOwnDatabase(dataDir: string): Promise<void> {
  try {
    await access(join(dataDir, 'postgres'))
  } catch {
    throw new CliError(
      'data_dir_unusable',
      `there is no database of Hasp's in ${resolve(dataDir)}.`,
      "Set HASP_DATA_DIR (or DATABASE_URL) to what 'hasp serve' runs with, or start that first.",
    )
  }
}
