import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isWrittenUnder } from '#access/written-under.ts'
import { ConfigError, type Config } from '#config/load-config.ts'
import { makeDirectory } from '#config/make-directory.ts'
import type { Database } from '#db/database.ts'
import { SecretRing } from '#integrity/secret-ring.ts'

const secretBytes = 32

/**
 * The ring of the service's own secrets: from the environment, else from a file of mode 0600 in the data directory,
 * made at the first start. Lose it and no row and no token is accepted any more; it opens no credential.
 * @throws {ConfigError} where several nodes would each make their own, or the file is readable by others.
 */
async function loadSecretRing(config: Config): Promise<SecretRing> {
  if (
    config.rootSecret === undefined &&
    config.databaseUrl !== undefined &&
    config.nodeEnv === 'production'
  ) {
    throw new ConfigError([
      'HASP_ROOT_SECRET is needed with DATABASE_URL in production: every node must have the same one (openssl rand -base64 32).',
    ])
  }
  const current =
    config.rootSecret === undefined
      ? await readOrCreate(config.dataDir)
      : Buffer.from(config.rootSecret, 'base64')
  const previous =
    config.rootSecretPrevious === undefined ? undefined : Buffer.from(config.rootSecretPrevious, 'base64')
  try {
    return new SecretRing({ current, previous })
  } finally {
    current.fill(0)
    previous?.fill(0)
  }
}

/**
 * The ring, if it is the one that this database was written under.
 * @throws {ConfigError} as {@link loadSecretRing}, and where it is another one.
 */
export async function loadRingOf(db: Database, config: Config): Promise<SecretRing> {
  const ring = await loadSecretRing(config)
  if (await isWrittenUnder(db.kysely, ring)) return ring
  const source =
    config.rootSecret === undefined
      ? `${join(config.dataDir, 'root-secret')} (HASP_ROOT_SECRET is not set)`
      : 'HASP_ROOT_SECRET'
  throw new ConfigError([
    `${source} is not the root secret that this database was written under: no token in it would be accepted. Set HASP_ROOT_SECRET to what the other nodes have, or restore it from your backup; a former one belongs into HASP_ROOT_SECRET_PREVIOUS.`,
  ])
}

async function readOrCreate(dataDir: string): Promise<Buffer> {
  const path = join(dataDir, 'root-secret')
  await makeDirectory(dataDir, 0o700).catch((error: unknown) => {
    throw unwritable(dataDir, codeOf(error))
  })
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(`${randomBytes(secretBytes).toString('base64')}\n`)
    await file.sync()
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unwritable(dataDir, codeOf(error))
  }
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new ConfigError([`${path} can be read by others: chmod 600 it.`])
  }
  const secret = Buffer.from((await readFile(path, 'latin1')).trim(), 'base64')
  if (secret.length < secretBytes)
    throw new ConfigError([`${path} is too short: restore it from your backup.`])
  return secret
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}

function unwritable(dataDir: string, code: string): ConfigError {
  return new ConfigError([
    `the data directory ${resolve(dataDir)} can not be written to (${code}), and the root secret is to be kept there: set HASP_DATA_DIR to a directory that the user who runs Hasp may write to, or HASP_ROOT_SECRET.`,
  ])
}
