import { access, constants, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CliError } from '#cli/cli-error.ts'

/**
 * Makes sure that Hasp can keep its data in `dataDir`, before anything is started on it.
 * @throws {CliError} `data_dir_unusable`
 */
export async function requireDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new CliError(
      'data_dir_unusable',
      `the data directory ${resolve(dataDir)} can not be written to (${code}).`,
      'Set HASP_DATA_DIR to a directory that the user who runs Hasp may write to.',
    )
  }
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
