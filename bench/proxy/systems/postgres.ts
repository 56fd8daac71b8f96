import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import type { Aside } from '../system.ts'

/** One embedded PostgreSQL, with a database for each Hasp. */
export type Postgres = Readonly<{
  /** @returns its `DATABASE_URL` */
  newDatabase: (name: string) => Promise<string>
  aside: Aside
}>

export async function startPostgres(stack: AsyncDisposableStack): Promise<Postgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hasp-bench-postgres-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const { connection, superuser } = stack.use(await startEmbeddedPostgres({ dataDir }))
  const { host, port, user, password } = connection
  const pidFile = await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')
  return {
    async newDatabase(name) {
      const client = new Client(superuser)
      await client.connect()
      await client.query(`CREATE DATABASE ${name} OWNER ${user}`)
      await client.end()
      const at = `localhost/${name}?host=${encodeURIComponent(host)}&port=${port}`
      return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${at}`
    },
    aside: { name: 'PostgreSQL', pid: Number.parseInt(pidFile, 10) },
  }
}
