import { spawn } from 'node:child_process'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Cluster } from './cluster.ts'
import { commandLineOf, isPidTaken, isProcessAlive } from './process-state.ts'
import { socketPort } from './socket-dir.ts'

const logBytesMax = 16 * 1024 * 1024

/** The process id of the server that runs on this cluster now, ours or another Hasp's. */
export async function findPostmaster(cluster: Cluster): Promise<number | undefined> {
  const pid = await readPid(pidFile(cluster))
  return pid !== undefined && isPostmasterOf(cluster, pid) ? pid : undefined
}

/**
 * Starts the server in a session of its own with its output in a file: neither Ctrl-C nor our own death
 * reaches it. Answers a promise of its end. Two at once are harmless: PostgreSQL's own lock file lets one live.
 */
export async function launchPostmaster(
  cluster: Cluster,
  socketDir: string,
): Promise<{ ended: Promise<void> }> {
  await removeLocksOfStrangers(cluster, socketDir)
  await rotateLog(cluster.logFile)
  await using log = await open(cluster.logFile, 'a', 0o600)
  const { file, args, identity } = cluster.postgres(serverArguments(cluster, socketDir))
  const child = spawn(file, args, {
    ...identity,
    cwd: '/',
    env: cluster.environment,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  child.unref()
  return { ended }
}

/** What Hasp relies on is given on the command line, which wins over postgresql.conf. */
function serverArguments(cluster: Cluster, socketDir: string): string[] {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: `"${socketDir}"`,
    unix_socket_permissions: '0700',
    port: String(socketPort),
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // DETAIL lines quote whole rows.
    log_error_verbosity: 'terse',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
  }
  return [
    '-D',
    cluster.pgData,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

/** Fast shutdown: sessions are ended, everything is written, the pid file goes last. False when time ran out. */
export async function stopPostmaster(cluster: Cluster, timeoutMs: number): Promise<boolean> {
  const pid = await findPostmaster(cluster)
  if (pid === undefined) return true
  process.kill(pid, 'SIGINT')
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if ((await readPid(pidFile(cluster))) !== pid) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return !isPostmasterOf(cluster, pid)
}

/** The last lines of the server's log, for an error that says why it did not start. */
export async function tailOfLog(cluster: Cluster): Promise<string> {
  const log = await readFile(cluster.logFile, 'utf8').catch(() => '')
  return log.trimEnd().split('\n').slice(-5).join('\n')
}

/**
 * PostgreSQL deals with lock files that outlived its server, unless their number has been given to another
 * process since (a reboot, a container) or to a corpse that nobody buries: then it would refuse to start for
 * ever. Its check of the shared memory still protects a server that lives.
 */
async function removeLocksOfStrangers(cluster: Cluster, socketDir: string): Promise<void> {
  for (const lockFile of [pidFile(cluster), path.join(socketDir, `.s.PGSQL.${socketPort}.lock`)]) {
    const pid = await readPid(lockFile)
    if (pid === undefined || !isPidTaken(pid) || isPostmasterOf(cluster, pid)) continue
    await rm(lockFile, { force: true })
  }
}

/** Every lock file of PostgreSQL starts with a line that holds the postmaster's process id. */
async function readPid(lockFile: string): Promise<number | undefined> {
  const content = await readFile(lockFile, 'utf8').catch(() => '')
  const pid = Number.parseInt(content, 10)
  return Number.isInteger(pid) && pid > 0 ? pid : undefined
}

function isPostmasterOf(cluster: Cluster, pid: number): boolean {
  if (!isProcessAlive(pid)) return false
  const words = commandLineOf(pid)
  return words === undefined || words.includes(cluster.pgData)
}

function pidFile(cluster: Cluster): string {
  return path.join(cluster.pgData, 'postmaster.pid')
}

async function rotateLog(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > logBytesMax) await rename(logFile, `${logFile}.1`)
}
