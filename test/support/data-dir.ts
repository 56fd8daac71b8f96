import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isProcessAlive } from '#db/embedded/process-state.ts'

/** A data directory of its own, and the process id of the PostgreSQL that runs in it. */
export type DataDir = AsyncDisposable &
  Readonly<{ path: string; postmasterPid: () => Promise<number | undefined> }>

/** Disposing of it kills the server that still runs there, and removes everything. */
export async function createDataDir(parent = tmpdir()): Promise<DataDir> {
  const directory = await mkdtemp(path.join(parent, 'hasp-data-'))
  const pidFile = path.join(directory, 'postgres', 'data', 'postmaster.pid')
  const postmasterPid = async () => {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
    return Number.isNaN(pid) ? undefined : pid
  }
  return {
    path: directory,
    postmasterPid,
    async [Symbol.asyncDispose]() {
      const pid = await postmasterPid()
      if (pid !== undefined && pid !== process.pid && isProcessAlive(pid)) {
        process.kill(pid, 'SIGQUIT')
        await waitUntil(() => !isProcessAlive(pid))
      }
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Polls until `isSo`. @throws {Error} after ten seconds. */
export async function waitUntil(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('It did not become so within ten seconds.')
    await sleep(10)
  }
}
