import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { runCli, Seen } from '../support/run-cli.ts'
import { startHasp, urlOf } from '../support/running-hasp.ts'

const seen = new Seen()
const stack = new AsyncDisposableStack()
const secrets = () => randomBytes(32).toString('base64')
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-misguided-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
})
afterAll(() => stack.disposeAsync())

describe('a start under another root secret than its database was written under', () => {
  const first = secrets()
  let databaseUrl: string
  beforeAll(async () => {
    databaseUrl = urlOf(stack.use(await createTestDatabase()).connection)
    await using hasp = await startHasp({ HASP_ROOT_SECRET: first }, { databaseUrl })
    expect(hasp.token).toMatch(/^hasp_admin_/)
  })

  const start = (argv: readonly string[], rootSecret: Record<string, string>) =>
    runCli(seen, argv, {
      DATABASE_URL: databaseUrl,
      HASP_DATA_DIR: join(directory, 'data'),
      HASP_PORT: '0',
      ...rootSecret,
    })

  it.each([['serve'], ['org create another'], ['org token default']])(
    'is refused, and says which setting to put right: hasp %s',
    async (line) => {
      const refused = await start(line.split(' '), { HASP_ROOT_SECRET: secrets() })
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(/HASP_ROOT_SECRET is not the root secret[^]*HASP_ROOT_SECRET_PREVIOUS/)
    },
  )

  it('is refused where it would have made one of its own, and says where that is', async () => {
    const refused = await start(['org', 'token', 'default'], {})
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain(
      `${join(directory, 'data', 'root-secret')} (HASP_ROOT_SECRET is not set)`,
    )
  })

  it('is none after a rotation that keeps the former one', async () => {
    const rotated = { HASP_ROOT_SECRET: secrets(), HASP_ROOT_SECRET_PREVIOUS: first }
    await using hasp = await startHasp(rotated, { databaseUrl })
    await expect.poll(async () => (await fetch(`${hasp.url}/readyz`)).status).toBe(200)
  })
})

describe('a start on a data directory that nobody can make', () => {
  const dataDir = '/proc/hasp'
  it.runIf(process.platform === 'linux').each([['serve'], ['migrate']])(
    'ends at once, and says which setting to change: hasp %s',
    async (command) => {
      const refused = await runCli(seen, [command], { HASP_DATA_DIR: dataDir, HASP_PORT: '0' })
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toMatch(/directory \/proc\/hasp can not be written to[^]*Set HASP_DATA_DIR/)
    },
  )

  it.runIf(process.platform === 'linux')(
    'ends at once where only the root secret is to be kept there',
    async () => {
      await using database = await createTestDatabase()
      const env = { DATABASE_URL: urlOf(database.connection), HASP_DATA_DIR: dataDir }
      const refused = await runCli(seen, ['org', 'create', 'acme'], env)
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(
        /\/proc\/hasp can not be written to[^]*HASP_DATA_DIR[^]*HASP_ROOT_SECRET/,
      )
    },
  )
})

describe('a start on a DATABASE_URL', () => {
  it('that takes the connection and ends it, says what to look at, and never the password', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const refused = await runCli(seen, ['serve'], {
      DATABASE_URL: `postgres://u:hidden-word@127.0.0.1:${port}/x`,
      HASP_DATA_DIR: join(directory, 'silent'),
      HASP_PORT: '0',
    })
    server.close()
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/the database can not be used: [^]*DATABASE_URL[^]*check host and port/)
    expect(refused.stderr).not.toContain('hidden-word')
  })
})
