import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import type { ConnectionParameters } from '#db/connection.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { isProcessAlive } from '#db/embedded/process-state.ts'
import { createDataDir, waitUntil } from '../../../support/data-dir.ts'

async function query(connection: ConnectionParameters, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client(connection)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Starts the server from a process of its own, in a process group of its own. */
async function startFromChild(
  dataDir: string,
): Promise<{ connection: ConnectionParameters; killGroup: () => Promise<void> }> {
  const script = path.join(import.meta.dirname, 'hold-server.ts')
  const child = spawn(process.execPath, [script, dataDir], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return {
    connection: JSON.parse(String(line)),
    async killGroup() {
      // The whole group, as Ctrl-C reaches it.
      process.kill(-(child.pid ?? 0), 'SIGKILL')
      await once(child, 'exit')
    },
  }
}

describe('a Hasp that is killed', () => {
  it('leaves its server running, and the next one adopts it with every committed row', async () => {
    await using dataDir = await createDataDir()
    const first = await startFromChild(dataDir.path)
    await query(first.connection, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const pid = await dataDir.postmasterPid()
    await first.killGroup()

    const second = await startEmbeddedPostgres({ dataDir: dataDir.path })
    expect(await dataDir.postmasterPid()).toBe(pid)
    expect(await query(second.connection, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    await second[Symbol.asyncDispose]()
    expect(await dataDir.postmasterPid()).toBeUndefined()
    await waitUntil(() => pid !== undefined && !isProcessAlive(pid))
  })
})

describe('a server that is killed', () => {
  it('recovers at the next start, with every committed row, from a pid file that names nobody', async () => {
    await using dataDir = await createDataDir()
    const first = await startFromChild(dataDir.path)
    await query(first.connection, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const pid = (await dataDir.postmasterPid()) ?? 0
    await first.killGroup()
    process.kill(pid, 'SIGKILL')
    await waitUntil(() => !isProcessAlive(pid))
    expect(await dataDir.postmasterPid()).toBe(pid)

    await using second = await startEmbeddedPostgres({ dataDir: dataDir.path })
    expect(await dataDir.postmasterPid()).not.toBe(pid)
    expect(await query(second.connection, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  })

  it('is started again while Hasp holds it', async () => {
    await using dataDir = await createDataDir()
    const messages: string[] = []
    await using server = await startEmbeddedPostgres({
      dataDir: dataDir.path,
      log: (message) => messages.push(message),
    })
    await query(server.connection, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const pid = (await dataDir.postmasterPid()) ?? 0
    process.kill(pid, 'SIGKILL')
    await waitUntil(async () => {
      const rows = await query(server.connection, 'SELECT answer FROM kept').catch(() => [])
      return rows.length === 1 && (await dataDir.postmasterPid()) !== pid
    })
    expect(messages).toContain('PostgreSQL has ended unasked; it is started again.')
  })
})

describe('lock files that name a living process which is no PostgreSQL', () => {
  it('do not keep the server from starting, and do that process no harm', async () => {
    await using dataDir = await createDataDir()
    await (await startEmbeddedPostgres({ dataDir: dataDir.path }))[Symbol.asyncDispose]()
    const stranger = spawn('sleep', ['60'])
    const home = path.join(dataDir.path, 'postgres')
    for (const lockFile of ['data/postmaster.pid', 'run/.s.PGSQL.5432.lock']) {
      await writeFile(path.join(home, lockFile), `${stranger.pid}\n/somewhere\n`)
    }

    await using server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    expect(await query(server.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await server[Symbol.asyncDispose]()
    expect(isProcessAlive(stranger.pid ?? 0)).toBe(true)
    stranger.kill()
  })
})

describe('several Hasps on one data directory', () => {
  it('start at once on an empty one, share one server, and the last to leave stops it', async () => {
    await using dataDir = await createDataDir()
    const starts = Array.from({ length: 4 }, () => startEmbeddedPostgres({ dataDir: dataDir.path }))
    const servers = await Promise.all(starts)
    const [first] = servers
    if (first === undefined) throw new Error('none has started')
    const pid = (await dataDir.postmasterPid()) ?? 0
    await query(first.connection, 'CREATE TABLE kept AS SELECT 42 AS answer')
    for (const server of servers.slice(1)) {
      await server[Symbol.asyncDispose]()
      expect(await dataDir.postmasterPid()).toBe(pid)
      expect(await query(first.connection, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    }
    await first[Symbol.asyncDispose]()
    expect(await dataDir.postmasterPid()).toBeUndefined()
    await expect.poll(() => isProcessAlive(pid)).toBe(false)
  })

  it('are two processes: the one that adopted leaves the server to the one that started it', async () => {
    await using dataDir = await createDataDir()
    const first = await startFromChild(dataDir.path)
    const second = await startEmbeddedPostgres({ dataDir: dataDir.path })
    await second[Symbol.asyncDispose]()
    expect(await query(first.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await first.killGroup()
  })

  it('may start while another is stopping the server, and get a new one', async () => {
    await using dataDir = await createDataDir()
    let current = await startEmbeddedPostgres({ dataDir: dataDir.path })
    for (let round = 0; round < 5; round++) {
      const stopping = current[Symbol.asyncDispose]()
      const next = startEmbeddedPostgres({ dataDir: dataDir.path })
      await stopping
      current = await next
      expect(await query(current.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    }
    await current[Symbol.asyncDispose]()
  })
})
