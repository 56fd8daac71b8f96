import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { whereOf, type Connection } from '#db/connection.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { isProcessAlive } from '#db/embedded/process-state.ts'

type TestServer = AsyncDisposable & Readonly<{ admin: Connection; owner: Connection; ownerName: string }>

/** The server at `url`, or an embedded one in a temporary directory that is removed at the end. */
export async function startTestServer(url: string | undefined): Promise<TestServer> {
  return url === undefined ? startOwnServer() : useServerAt(url)
}

const prefix = 'hasp-test-'

async function startOwnServer(): Promise<TestServer> {
  await sweepSurvivors()
  const dataDir = await mkdtemp(path.join(tmpdir(), `${prefix}${process.pid}-`))
  const server = await startEmbeddedPostgres({ dataDir })
  return {
    admin: server.superuser,
    owner: server.connection,
    ownerName: server.connection.user,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true })
    },
  }
}

/** A test run that was killed leaves its server running, as it should; here is where it is stopped. */
async function sweepSurvivors(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (Number.isNaN(owner) || isProcessAlive(owner)) continue
    const dataDir = path.join(tmpdir(), name)
    const survivor = await startEmbeddedPostgres({ dataDir })
    await survivor[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  }
}

async function useServerAt(url: string): Promise<TestServer> {
  const client = new Client(whereOf(url))
  await client.connect()
  const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_user) AS name')
  await client.end()
  return { admin: url, owner: url, ownerName: rows[0]?.name ?? 'postgres', async [Symbol.asyncDispose]() {} }
}
