import { randomFillSync } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { KekFault } from './kek-fault.ts'

const KEK_BYTES = 32
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** Windows has neither modes nor owners to check: there the directory's access list must do. */
const HAS_POSIX_PERMISSIONS = process.platform !== 'win32'

/** Never through a symbolic link, and never waiting for the other end of a named pipe. */
const READ_FLAGS = HAS_POSIX_PERMISSIONS
  ? constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  : constants.O_RDONLY

/**
 * Where the KEK `id` lies in `directory`.
 *
 * @throws {KekFault} `misconfigured` when `id` could name a file elsewhere.
 */
export function localKekPath(directory: string, id: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) {
    throw misconfigured('InvalidKekId', 'A local KEK id is 1 to 63 lower-case letters, digits and hyphens.')
  }
  return join(directory, `${id}.kek`)
}

/**
 * Makes a new KEK file: 32 random bytes, mode 0600, on the disk before this returns. Never overwrites one, because
 * whatever the old KEK sealed could then not be opened again. Makes `directory` where it is missing, and nothing above it.
 *
 * @throws {KekFault} `misconfigured`
 */
export async function createLocalKek(directory: string, id: string): Promise<void> {
  const path = localKekPath(directory, id)
  using material = SecretBytes.alloc(KEK_BYTES)
  randomFillSync(material.unsafeBytes())
  try {
    await makeDirectory(directory)
    await using file = await open(path, 'wx', FILE_MODE)
    await file.write(material.unsafeBytes())
    await file.sync()
    await syncDirectory(directory)
  } catch (error) {
    const code = errnoCode(error)
    throw code === 'EEXIST'
      ? misconfigured(code, 'This local KEK exists already; choose another id.')
      : misconfigured(code, 'The local KEK file could not be written; check its directory and the disk.')
  }
}

/** Where the service keeps all of them: below a directory that is there. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: DIRECTORY_MODE })
  } catch (error) {
    if (errnoCode(error) !== 'EEXIST') throw error
  }
}

/**
 * Reads a KEK; the caller disposes of it.
 *
 * @throws {KekFault} `revoked` when the file is gone, `misconfigured` when it is not safely ours,
 *   `unreachable` when it cannot be read now.
 */
export async function readLocalKek(path: string): Promise<SecretBytes> {
  try {
    await using file = await open(path, READ_FLAGS)
    await requireSafeFile(file)
    const material = SecretBytes.alloc(KEK_BYTES)
    const { bytesRead } = await file.read(material.unsafeBytes(), 0, KEK_BYTES, 0)
    if (bytesRead === KEK_BYTES) return material
    material[Symbol.dispose]()
    throw new KekFault('unreachable', 'ShortRead', 'The local KEK file could not be read in full.')
  } catch (error) {
    throw error instanceof KekFault ? error : readFault(errnoCode(error))
  }
}

async function requireSafeFile(file: FileHandle): Promise<void> {
  const stats = await file.stat()
  if (!stats.isFile()) throw misconfigured('NotAFile', 'The local KEK must be a regular file.')
  if (HAS_POSIX_PERMISSIONS && (stats.mode & 0o7777) !== FILE_MODE) {
    throw misconfigured('UnsafeMode', 'The local KEK file must have mode 0600: run chmod 600 on it.')
  }
  if (HAS_POSIX_PERMISSIONS && stats.uid !== process.geteuid?.()) {
    throw misconfigured(
      'ForeignOwner',
      'The local KEK file must belong to the user that runs Hasp: chown it.',
    )
  }
  if (stats.size !== KEK_BYTES) {
    throw misconfigured('WrongLength', `The local KEK file must hold exactly ${KEK_BYTES} bytes.`)
  }
}

function readFault(code: string): KekFault {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new KekFault('revoked', code, 'The local KEK file has been removed.')
    case 'ELOOP':
    case 'EMLINK':
      return misconfigured(
        code,
        'The local KEK must not be a symbolic link: put the file itself in its place.',
      )
    case 'EACCES':
    case 'EPERM':
      return misconfigured(code, 'The local KEK file must belong to the user that runs Hasp: chown it.')
    default:
      return new KekFault('unreachable', code, 'The local KEK file could not be read; check the disk.')
  }
}

/** A new file survives a power cut only once its directory entry does. Windows cannot open directories. */
async function syncDirectory(directory: string): Promise<void> {
  if (!HAS_POSIX_PERMISSIONS) return
  await using handle = await open(directory, constants.O_RDONLY)
  await handle.sync()
}

function misconfigured(code: string, message: string): KekFault {
  return new KekFault('misconfigured', code, message)
}

function errnoCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UnknownError'
}
