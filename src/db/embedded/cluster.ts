import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseError } from '#db/database-error.ts'
import { locateBinaries, linkLibraries, type Binaries } from './binaries.ts'
import { isProcessAlive } from './process-state.ts'
import { runToEnd } from './run-to-end.ts'
import { commandAs, findServerUser, type Command, type ServerUser } from './server-user.ts'

/** Both roles' passwords: `postgres` may do anything, `hasp` owns one database and is what Hasp works as. */
type Passwords = Readonly<{ superuser: string; application: string }>

/** A database cluster on disk with all that is needed to start its server. */
export type Cluster = Readonly<{
  /** `<dataDir>/postgres`: everything of the embedded PostgreSQL, and nothing else. */
  home: string
  /** PostgreSQL's own data directory within it. */
  pgData: string
  logFile: string
  passwords: Passwords
  user: ServerUser | undefined
  postgres: (args: string[]) => Command
  environment: Record<string, string>
}>

/**
 * Finds the cluster under `dataDir`, or creates it.
 * @throws {DatabaseError} `embedded_postgres_failed`
 */
export async function prepareCluster(dataDir: string): Promise<Cluster> {
  const [binaries, user] = await Promise.all([locateBinaries(), findServerUser()])
  // A server user other than ourselves must pass through; whatever is secret inside has a mode of its own.
  await makeDataDir(dataDir, user === undefined ? 0o700 : 0o711)
  const home = path.join(dataDir, 'postgres')
  await discardHalfMade(dataDir)
  if (!(await exists(home))) await createCluster(dataDir, home, binaries, user)
  return describeCluster(home, binaries, user)
}

/** Nothing above it: Node's `recursive` never comes back from where the system lets nobody make any, as in `/proc`. */
async function makeDataDir(dataDir: string, mode: number): Promise<void> {
  try {
    await mkdir(dataDir, { mode })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    if (code === 'EEXIST') return
    throw new DatabaseError(
      'embedded_postgres_failed',
      `The directory ${dataDir} can not be made (${code}). Set HASP_DATA_DIR to one whose parent is there and may be written to.`,
      { cause },
    )
  }
}

async function describeCluster(
  home: string,
  binaries: Binaries,
  user: ServerUser | undefined,
): Promise<Cluster> {
  const libraryPath = await linkLibraries(binaries, path.join(home, 'lib'))
  const pgData = path.join(home, 'data')
  return {
    home,
    pgData,
    logFile: path.join(home, 'postgres.log'),
    passwords: await readPasswords(home),
    user,
    postgres: commandAs(user, binaries.postgres, [path.dirname(home), path.dirname(binaries.postgres)]),
    environment: environmentOf(libraryPath),
  }
}

/** Nothing of our own environment reaches the server: it may hold cloud credentials. */
function environmentOf(libraryPath: string): Record<string, string> {
  return { PATH: '/usr/bin:/bin', LC_ALL: 'C', LD_LIBRARY_PATH: libraryPath, DYLD_LIBRARY_PATH: libraryPath }
}

const stagePrefix = 'postgres.new-'

/**
 * Creates the cluster in a directory of its own and renames it when it is complete, so that a crash leaves
 * either all of it or nothing under the final name. Of several processes that do so at once, one wins.
 */
async function createCluster(
  dataDir: string,
  home: string,
  binaries: Binaries,
  user: ServerUser | undefined,
): Promise<void> {
  const stage = path.join(dataDir, `${stagePrefix}${process.pid}-${randomBytes(4).toString('hex')}`)
  await mkdir(stage)
  await chmod(stage, user === undefined ? 0o700 : 0o711)
  try {
    const passwords = { superuser: randomPassword(), application: randomPassword() }
    await writeDurably(passwordFile(stage), JSON.stringify(passwords))
    await initialise(stage, binaries, user, passwords.superuser)
    await rename(stage, home)
    await syncDirectory(dataDir)
  } catch (error) {
    await rm(stage, { recursive: true, force: true })
    const isBeatenToIt =
      error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(String(error.code))
    if (!isBeatenToIt) throw error
  }
}

async function initialise(
  stage: string,
  binaries: Binaries,
  user: ServerUser | undefined,
  superuserPassword: string,
): Promise<void> {
  const pgData = path.join(stage, 'data')
  const passwordInput = path.join(stage, 'initdb-password')
  const libraryPath = await linkLibraries(binaries, path.join(stage, 'lib'))
  await mkdir(pgData, { mode: 0o700 })
  await writeFile(passwordInput, superuserPassword, { mode: 0o600 })
  if (user !== undefined) {
    await chown(pgData, user.uid, user.gid)
    await chown(passwordInput, user.uid, user.gid)
  }
  const initdb = commandAs(user, binaries.initdb, [path.dirname(stage), path.dirname(binaries.initdb)])
  await runToEnd(
    initdb([
      `--pgdata=${pgData}`,
      '--username=postgres',
      `--pwfile=${passwordInput}`,
      '--auth=scram-sha-256',
      '--data-checksums',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      // Written into postgresql.conf, where an operator may change them.
      '--set=max_connections=100',
      '--set=shared_buffers=128MB',
    ]),
    environmentOf(libraryPath),
  )
  await rm(passwordInput)
}

/** Removes what processes left behind that died while they were creating a cluster. */
async function discardHalfMade(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const owner = name.startsWith(stagePrefix)
      ? Number.parseInt(name.slice(stagePrefix.length), 10)
      : undefined
    if (owner === undefined || owner === process.pid || isProcessAlive(owner)) continue
    await rm(path.join(dataDir, name), { recursive: true, force: true })
  }
}

function passwordFile(home: string): string {
  return path.join(home, 'passwords.json')
}

async function readPasswords(home: string): Promise<Passwords> {
  const file = passwordFile(home)
  try {
    // Only we can write this file (`createCluster`).
    const passwords: Passwords = JSON.parse(await readFile(file, 'utf8'))
    return passwords
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'is damaged' : 'can not be read'
    throw new DatabaseError(
      'embedded_postgres_failed',
      `${file} ${why}, and without it nobody gets into the PostgreSQL beside it. Restore it from your backup (it belongs to ${path.join(home, 'data')}), or set HASP_DATA_DIR to another directory.`,
      // A SyntaxError quotes what it could not parse.
      cause instanceof SyntaxError ? {} : { cause },
    )
  }
}

function randomPassword(): string {
  return randomBytes(24).toString('base64url')
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

async function writeDurably(file: string, content: string): Promise<void> {
  await using handle = await open(file, 'wx', 0o600)
  await handle.writeFile(content)
  await handle.sync()
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r')
  await handle.sync()
}
