import { Client } from 'pg'
import { whereOf, type Connection } from '#db/connection.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { createDataDir, sweepDataDirs } from './data-dir.ts'

type TestServer = AsyncDisposable & Readonly<{ admin: Connection; owner: Connection; ownerName: string }>

/** The server at `url`, or an embedded one in a temporary directory that is removed at the end. */
export async function startTestServer(url: string | undefined): Promise<TestServer> {
  return url === undefined ? startOwnServer() : useServerAt(url)
}

async function startOwnServer(): Promise<TestServer> {
  await sweepDataDirs()
  await using stack = new AsyncDisposableStack()
  const dataDir = stack.use(await createDataDir())
  const server = stack.use(await startEmbeddedPostgres({ dataDir: dataDir.path }))
  const teardown = stack.move()
  return {
    admin: server.superuser,
    owner: server.connection,
    ownerName: server.connection.user,
    [Symbol.asyncDispose]: () => teardown.disposeAsync(),
  }
}

async function useServerAt(url: string): Promise<TestServer> {
  const client = new Client(whereOf(url))
  await client.connect()
  const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_user) AS name')
  await client.end()
  return { admin: url, owner: url, ownerName: rows[0]?.name ?? 'postgres', async [Symbol.asyncDispose]() {} }
}
