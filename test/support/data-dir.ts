import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandLineOf, isProcessAlive } from '#db/embedded/process-state.ts'

/** A data directory of its own, and the process id of the PostgreSQL that runs in it. */
export type DataDir = AsyncDisposable &
  Readonly<{ path: string; postmasterPid: () => Promise<number | undefined> }>

const prefix = 'hasp-test-'

/** Disposing of it kills the server that still runs there, and removes everything. */
export async function createDataDir(parent = tmpdir()): Promise<DataDir> {
  const directory = await mkdtemp(path.join(parent, `${prefix}${process.pid}-`))
  return {
    path: directory,
    postmasterPid: () => readPostmasterPid(directory),
    [Symbol.asyncDispose]: () => destroyDataDir(directory),
  }
}

/** A test run that was killed leaves its servers running, as they should; here is where they end. */
export async function sweepDataDirs(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (!Number.isNaN(owner) && !isProcessAlive(owner)) await destroyDataDir(path.join(tmpdir(), name))
  }
}

async function destroyDataDir(directory: string): Promise<void> {
  const pid = await readPostmasterPid(directory)
  if (pid !== undefined && commandLineOf(pid)?.includes(pgData(directory)) === true) {
    process.kill(pid, 'SIGQUIT')
    await waitUntil(() => !isProcessAlive(pid))
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
}

async function readPostmasterPid(directory: string): Promise<number | undefined> {
  const content = await readFile(path.join(pgData(directory), 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(content, 10)
  return Number.isNaN(pid) ? undefined : pid
}

function pgData(directory: string): string {
  return path.join(directory, 'postgres', 'data')
}

/** Polls until `isSo`. @throws {Error} after ten seconds. */
export async function waitUntil(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('It did not become so within ten seconds.')
    await sleep(10)
  }
}
