import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { DatabaseError } from '#db/database-error.ts'

const run = promisify(execFile)

/** The user that PostgreSQL runs as when we are root, which it refuses to be. */
export type ServerUser = Readonly<{ name: string; uid: number; gid: number }>

/**
 * Undefined when we are not root: then PostgreSQL runs as ourselves. For root: `postgres`, created where it
 * is missing, or `nobody` where users cannot be created.
 * @throws {DatabaseError} `embedded_postgres_failed` when there is no such user at all.
 */
export async function findServerUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const user = (await lookUp('postgres')) ?? (await createPostgresUser()) ?? (await lookUp('nobody'))
  if (user !== undefined) return user
  throw new DatabaseError(
    'embedded_postgres_failed',
    "PostgreSQL refuses to run as root, and there is no user 'postgres' or 'nobody' to run it as. Start Hasp as an ordinary user, create a user 'postgres', or set DATABASE_URL.",
  )
}

async function lookUp(name: string): Promise<ServerUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

async function createPostgresUser(): Promise<ServerUser | undefined> {
  try {
    await run('groupadd', ['--system', '--force', 'postgres'])
    await run('useradd', [
      '--system',
      '--gid=postgres',
      '--no-create-home',
      '--shell=/usr/sbin/nologin',
      'postgres',
    ])
  } catch {
    // No such programs here, or another process has just created the same user.
  }
  return lookUp('postgres')
}

/** A program with its arguments, and the user that Node should start it as. */
export type Command = Readonly<{
  file: string
  args: string[]
  identity: { uid?: number; gid?: number }
}>

/**
 * Turns a PostgreSQL program into a command that runs as `user`. Where a directory on the way to `paths` is
 * closed to that user (a clone under /root), the command keeps one capability: to read files and enter
 * directories regardless of their mode. It can write nowhere else.
 * @throws {DatabaseError} `embedded_postgres_failed` when even that is not possible.
 */
export function commandAs(
  user: ServerUser | undefined,
  file: string,
  paths: string[],
): (args: string[]) => Command {
  if (user === undefined) return (args) => ({ file, args, identity: {} })
  const identity = { uid: user.uid, gid: user.gid }
  if (canReach({ file: '/bin/sh', args: [], identity }, paths)) return (args) => ({ file, args, identity })

  const setpriv = [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
    // Else access(2), by which PostgreSQL looks for its own programs, ignores the capability.
    '--securebits=+no_setuid_fixup',
    '--',
  ]
  if (canReach({ file: 'setpriv', args: [...setpriv, '/bin/sh'], identity: {} }, paths)) {
    return (args) => ({ file: 'setpriv', args: [...setpriv, file, ...args], identity: {} })
  }
  throw new DatabaseError(
    'embedded_postgres_failed',
    `PostgreSQL cannot run as root, and its user '${user.name}' cannot reach ${paths.join(' and ')}. Open the directories above them to it (chmod o+x), set HASP_DATA_DIR to a place that it can reach, start Hasp as an ordinary user, or set DATABASE_URL.`,
  )
}

/** Tries it for real: the shell that `command` starts must be able to enter each of `paths`. */
function canReach(command: Command, paths: string[]): boolean {
  const script = 'for path do cd "$path" || exit 1; done'
  const probe = spawnSync(command.file, [...command.args, '-c', script, 'sh', ...paths], {
    ...command.identity,
    cwd: '/',
    stdio: 'ignore',
  })
  return probe.status === 0
}
