import { chmod, chown, cp, mkdir, readFile, readdir, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import type { ConnectionParameters } from '#db/connection.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { linkLibraries, locateBinaries } from '#db/embedded/binaries.ts'
import { runToEnd } from '#db/embedded/run-to-end.ts'
import { commandAs, findServerUser } from '#db/embedded/server-user.ts'
import { createDataDir } from '../../../support/data-dir.ts'

const isRoot = process.getuid?.() === 0

async function queryOne(connection: ConnectionParameters, text: string): Promise<Record<string, unknown>> {
  const client = new Client(connection)
  await client.connect()
  try {
    return (await client.query(text)).rows[0] ?? {}
  } finally {
    await client.end()
  }
}

describe('starting the embedded PostgreSQL on an empty data directory', () => {
  it('keeps what it promises: durable commits, no TCP port, UTF-8 in code point order', async () => {
    await using dataDir = await createDataDir()
    await using server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    const settings = await queryOne(
      server.connection,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('full_page_writes') AS full_page_writes, current_setting('listen_addresses') AS listen_addresses,
        current_setting('server_encoding') AS encoding, current_setting('max_connections') AS max_connections,
        current_setting('data_checksums') AS data_checksums, datlocprovider AS provider, datlocale AS locale
      FROM pg_database WHERE datname = current_database()`,
    )
    expect(settings).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
      encoding: 'UTF8',
      max_connections: '100',
      data_checksums: 'on',
      provider: 'b',
      locale: 'C.UTF-8',
    })
  })

  it('gives Hasp a role that owns its database and is no superuser', async () => {
    await using dataDir = await createDataDir()
    await using server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    const role = await queryOne(
      server.connection,
      'SELECT current_user AS name, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user',
    )
    expect(role).toEqual({ name: 'hasp', rolsuper: false, rolcreaterole: false, rolcreatedb: false })
    await expect(queryOne(server.connection, `SELECT pg_read_file('PG_VERSION')`)).rejects.toThrow(
      /permission denied/,
    )
    expect(await queryOne(server.superuser, `SELECT current_setting('is_superuser') AS is`)).toEqual({
      is: 'on',
    })
  })

  it('lets nobody in without the password, not even over the socket', async () => {
    await using dataDir = await createDataDir()
    await using server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    for (const connection of [server.connection, server.superuser]) {
      await expect(queryOne({ ...connection, password: 'wrong' }, 'SELECT 1')).rejects.toMatchObject({
        code: '28P01',
      })
    }
  })

  it('leaves its files and socket to their owners alone, and no password in the log', async () => {
    await using dataDir = await createDataDir()
    await using server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    const home = path.join(dataDir.path, 'postgres')
    const modeOf = async (name: string) => ((await stat(path.join(home, name))).mode & 0o777).toString(8)
    expect(await modeOf('passwords.json')).toBe('600')
    expect(await modeOf('postgres.log')).toBe('600')
    expect(await modeOf('data')).toBe('700')
    expect(await modeOf('run')).toBe('700')
    expect((await readdir(home)).toSorted()).toEqual(['data', 'lib', 'passwords.json', 'postgres.log', 'run'])
    const log = await readFile(path.join(home, 'postgres.log'), 'utf8')
    expect(log).not.toContain(server.connection.password)
    expect(log).not.toContain(server.superuser.password)
  })

  it('hands nothing of our own environment to the server', async () => {
    await using dataDir = await createDataDir()
    await using _server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    const environment = await readFile(`/proc/${await dataDir.postmasterPid()}/environ`, 'utf8')
    const names = environment.split('\0').flatMap((entry) => entry.match(/^[^=]+/) ?? [])
    // PG… are the server's own.
    expect(new Set(names.filter((name) => !name.startsWith('PG')))).toEqual(
      new Set(['DYLD_LIBRARY_PATH', 'LC_ALL', 'LD_LIBRARY_PATH', 'PATH']),
    )
  })

  it.each([
    ['missing', undefined],
    ['damaged', '{"superuser":"not-all-of-'],
  ])('names the file of its passwords where it is %s, and what to do', async (_, content) => {
    await using dataDir = await createDataDir()
    const home = path.join(dataDir.path, 'postgres')
    await mkdir(path.join(home, 'data'), { recursive: true })
    if (content !== undefined) await writeFile(path.join(home, 'passwords.json'), content)
    const error: unknown = await startEmbeddedPostgres({ dataDir: dataDir.path }).catch(
      (error: unknown) => error,
    )
    expect(error).toMatchObject({
      code: 'embedded_postgres_failed',
      message: expect.stringMatching(
        /passwords\.json (can not be read|is damaged)[^]*backup[^]*HASP_DATA_DIR/,
      ),
    })
    expect(String(error instanceof Error ? error.cause : '')).not.toContain('not-all-of-')
  })

  it('says which setting to change where its data directory can not be made', async () => {
    await using parent = await createDataDir()
    for (const dataDir of [path.join(parent.path, 'not', 'there'), '/proc/hasp'])
      await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
        code: 'embedded_postgres_failed',
        message: expect.stringMatching(/can not be made \(ENOENT\)[^]*HASP_DATA_DIR/),
      })
  })

  it('puts the socket under the temporary directory where the path is too long for one', async () => {
    await using parent = await createDataDir()
    const dataDir = path.join(parent.path, 'a'.repeat(100))
    const server = await startEmbeddedPostgres({ dataDir })
    expect(path.dirname(server.connection.host)).toBe(tmpdir())
    expect((await stat(server.connection.host)).mode & 0o777).toBe(0o700)
    expect(await queryOne(server.connection, 'SELECT 1 AS one')).toEqual({ one: 1 })
    await server[Symbol.asyncDispose]()
    await rmdir(server.connection.host)
  })

  it('removes what a start that was killed half-way left behind', async () => {
    await using dataDir = await createDataDir()
    // No process has this id: Linux's highest is 2^22.
    const halfMade = path.join(dataDir.path, 'postgres.new-99999999-abcd')
    await mkdir(path.join(halfMade, 'data'), { recursive: true })
    await using server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    expect(await readdir(dataDir.path)).toEqual(['postgres'])
    expect(await queryOne(server.connection, 'SELECT 1 AS one')).toEqual({ one: 1 })
  })

  it('says what is wrong when the cluster beside the passwords is another one', async () => {
    await using dataDir = await createDataDir()
    await (await startEmbeddedPostgres({ dataDir: dataDir.path }))[Symbol.asyncDispose]()
    const passwords = { superuser: 'a-stranger', application: 'another' }
    await writeFile(path.join(dataDir.path, 'postgres', 'passwords.json'), JSON.stringify(passwords))
    const error: unknown = await startEmbeddedPostgres({ dataDir: dataDir.path }).catch(
      (error: unknown) => error,
    )
    expect(error).toMatchObject({ code: 'embedded_postgres_failed' })
    expect(String(error)).toMatch(/refuses the password/)
    expect(String(error)).not.toContain('a-stranger')
  })

  it('says what the server says when it does not start', async () => {
    await using dataDir = await createDataDir()
    await (await startEmbeddedPostgres({ dataDir: dataDir.path }))[Symbol.asyncDispose]()
    await writeFile(
      path.join(dataDir.path, 'postgres', 'data', 'postgresql.conf'),
      'shared_buffers = nonsense\n',
    )
    await expect(startEmbeddedPostgres({ dataDir: dataDir.path })).rejects.toThrow(
      /invalid value for parameter "shared_buffers"/,
    )
  })
})

const groupsIn = (status: string) => /^Groups:.*$/m.exec(status)?.[0].trim()

describe('starting, as root or as anybody else', () => {
  it('runs the server as a user that is not root, without any capability', async () => {
    await using dataDir = await createDataDir()
    await chmod(dataDir.path, 0o711)
    await using _server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    const status = await readFile(`/proc/${await dataDir.postmasterPid()}/status`, 'utf8')
    expect(status).not.toMatch(/^Uid:\s+0\s/m)
    expect(status).toMatch(/^CapEff:\s+0000000000000000$/m)
    const own = await readFile('/proc/self/status', 'utf8')
    expect(groupsIn(status)).toBe(isRoot ? 'Groups:' : groupsIn(own))
  })

  it('works below a directory that only its owner may enter, with no capability that this does not take', async () => {
    await using closed = await createDataDir()
    await chmod(closed.path, 0o700)
    await using dataDir = await createDataDir(closed.path)
    await using server = await startEmbeddedPostgres({ dataDir: dataDir.path })
    expect(await queryOne(server.connection, 'SELECT 1 AS one')).toEqual({ one: 1 })
    const status = await readFile(`/proc/${await dataDir.postmasterPid()}/status`, 'utf8')
    expect(status).not.toMatch(/^Uid:\s+0\s/m)
    // CAP_DAC_READ_SEARCH is bit 2: for a server that is not the owner, because root started it.
    const taken = isRoot ? '0000000000000004' : '0000000000000000'
    expect(status).toMatch(new RegExp(`^CapEff:\\s+${taken}$`, 'm'))
    expect(status).toMatch(new RegExp(`^CapPrm:\\s+${taken}$`, 'm'))
  })

  it('finds its programs where they lie below such a directory too', async () => {
    await using closed = await createDataDir()
    await chmod(closed.path, 0o700)
    const { initdb } = await locateBinaries()
    await cp(path.resolve(initdb, '..', '..'), path.join(closed.path, 'native'), { recursive: true })
    const binDir = path.join(closed.path, 'native', 'bin')
    const copies = { initdb: path.join(binDir, 'initdb'), postgres: path.join(binDir, 'postgres') }
    const libraryPath = await linkLibraries(copies, path.join(closed.path, 'links'))
    const user = await findServerUser()
    const pgData = path.join(closed.path, 'data')
    await mkdir(pgData, { mode: 0o700 })
    if (user !== undefined) await chown(pgData, user.uid, user.gid)
    // initdb looks for the server with access(2), which ignores capabilities unless told otherwise.
    const command = commandAs(user, copies.initdb, [binDir])([
      `--pgdata=${pgData}`,
      '--auth=reject',
      '--no-sync',
    ])
    expect(await runToEnd(command, { LD_LIBRARY_PATH: libraryPath })).toContain('Success.')
  })
})
