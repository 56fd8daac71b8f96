import { createHash } from 'node:crypto'
import { chown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseError } from '#db/database-error.ts'
import type { Cluster } from './cluster.ts'

/** The server listens on no TCP port; the number only names the socket's file. */
export const socketPort = 5432

/** `sun_path` of sockaddr_un(7) on Linux, less the closing NUL; macOS has 103. */
const socketPathBytesMax = 103

/**
 * The directory of the server's unix socket: within the cluster, or, where that makes the path too long for
 * a socket, one under the system's temporary directory that is named after the cluster.
 */
export async function prepareSocketDir({ home, user }: Cluster): Promise<string> {
  const near = path.join(home, 'run')
  const isShort = Buffer.byteLength(path.join(near, `.s.PGSQL.${socketPort}`)) <= socketPathBytesMax
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16)
  const directory = isShort ? near : path.join(tmpdir(), `hasp-${name}`)
  const ownerUid = user?.uid ?? process.getuid?.()
  await createFor(directory, user)
  const found = await lstat(directory)
  // In a temporary directory anybody may have been here first.
  if (found.isDirectory() && found.uid === ownerUid && (found.mode & 0o077) === 0) return directory
  throw new DatabaseError(
    'embedded_postgres_failed',
    `${directory} is not a private directory of PostgreSQL's user. Remove it, or set HASP_DATA_DIR to a shorter path.`,
  )
}

async function createFor(directory: string, user: Cluster['user']): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
    if (user !== undefined) await chown(directory, user.uid, user.gid)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}
