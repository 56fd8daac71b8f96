import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formsOf, type Secret } from '../../bench/residue/secret-forms.ts'
import { superuserOf } from '../support/data-dir-database.ts'
import { createDataDir } from '../support/data-dir.ts'
import { dumpDatabase } from '../support/dump-database.ts'
import { findLeaks, type Surface } from '../support/find-leaks.ts'
import { tellLeakStory, type LeakStory } from '../support/leak-story.ts'
import { runCli, Seen } from '../support/run-cli.ts'
import { startWatchedHasp, type WatchedHasp } from '../support/watched-hasp.ts'

describe('a Hasp that was used well and badly, at log level trace', () => {
  let hasp: WatchedHasp
  let story: LeakStory
  beforeAll(async () => {
    hasp = await startWatchedHasp()
    story = await tellLeakStory(hasp)
  }, 120_000)
  afterAll(() => hasp[Symbol.asyncDispose]())

  const leaks = (...surfaces: Surface[]) => findLeaks(story.secrets, surfaces)

  it('has handled every kind of secret that is looked for', () => {
    const kinds = new Set(story.secrets.map(({ kind }) => kind))
    expect([...kinds].sort()).toEqual(['admin-token', 'credential', 'dek', 'service-secret', 'virtual-key'])
    expect(hasp.relay.deks.length).toBeGreaterThan(10)
    expect(hasp.relay.sessionSecrets.length).toBeGreaterThan(1)
    expect(hasp.databasePasswords.length).toBe(2)
  })

  it('shows none in any answer, but the virtual key in the one that issued it', () => {
    const issued = hasp.answers.findIndex(({ text }) => text.endsWith(story.issued.text))
    const [answer] = hasp.answers.splice(issued, 1)
    expect(hasp.answers.length).toBeGreaterThan(50)
    expect(leaks(...hasp.answers)).toEqual([])
    const withoutToken = answer?.text.replace(story.virtualKey, '') ?? ''
    expect(withoutToken.length).toBe((answer?.text.length ?? 0) - story.virtualKey.length)
    expect(leaks({ where: 'the answer that issued it', text: withoutToken })).toEqual([])
  })

  it('shows none in its log or on its terminal, but the first admin token once', () => {
    const output = hasp.process.stdout() + hasp.process.stderr()
    expect(output).toContain('a KEK may no longer be used')
    const withoutToken = output.replace(hasp.adminToken, '')
    expect(leaks({ where: 'the output of hasp serve', text: withoutToken })).toEqual([])
  })

  it('keeps none in its database, which it reached through all tables', async () => {
    const dump = await dumpDatabase(await superuserOf(hasp.dataDir))
    expect(dump.get('credentials')).toContain('\\x')
    expect(dump.get('ledger_entries')).toContain('receipt.settled')
    expect(dump.get('idempotency_records')).toContain('issue-agent')
    expect(leaks(...[...dump].map(([table, text]) => ({ where: `table ${table}`, text })))).toEqual([])
  })

  it('shows none to PostgreSQL’s log, though statements failed', async () => {
    const text = await readFile(join(hasp.dataDir, 'postgres', 'postgres.log'), 'utf8')
    expect(text).toContain('terminating connection')
    expect(leaks({ where: 'postgres.log', text })).toEqual([])
  })

  it('shows none in its metrics or its description', async () => {
    const metrics = await hasp.ask('/metrics')
    const openapi = await hasp.ask('/api/v1/openapi.json')
    expect(metrics.text).toContain('hasp_proxy_refusals_total')
    expect(openapi.text).toContain('storeTarget')
    expect(
      leaks({ where: 'metrics', text: metrics.text }, { where: 'openapi.json', text: openapi.text }),
    ).toEqual([])
  })

  it('shows none through its command line tool', async () => {
    const listed = await Promise.all([
      hasp.cli('target', 'list', '--json'),
      hasp.cli('target', 'show', 'openai'),
      hasp.cli('vkey', 'list', '--json'),
      hasp.cli('kek', 'list', '--json'),
    ])
    for (const text of listed) expect(text).toMatch(/openai|agent|main/)
    expect(leaks(...listed.map((text) => ({ where: 'the output of a command', text })))).toEqual([])
  })

  it.runIf(process.platform === 'linux')(
    'shows none on any command line, and hands none to a child’s environment',
    async () => {
      const family = await processesUnder(hasp.process.child.pid ?? 0, hasp.dataDir)
      expect(family.some(({ isItself }) => isItself)).toBe(true)
      expect(family.some(({ commandLine }) => commandLine.includes('postgres'))).toBe(true)
      const children = family.filter(({ isItself }) => !isItself)
      expect(
        leaks(
          ...family.map(({ commandLine }) => ({
            where: `the command line of ${commandLine}`,
            text: commandLine,
          })),
          ...children.map(({ environment }) => ({ where: 'the environment of a child', text: environment })),
        ),
      ).toEqual([])
    },
  )
})

describe('a start that fails over a setting that is a secret', () => {
  const secrets: Secret[] = ['password', 'root secret'].map((name) => ({
    name,
    kind: 'service-secret',
    bytes: Buffer.from(randomBytes(30).toString('hex')),
  }))
  const [password = '', rootSecret = ''] = secrets.map(({ bytes }) => bytes.toString())

  it.each([
    ['a database that is not there', { DATABASE_URL: `postgresql://hasp:${password}@127.0.0.1:1/hasp` }],
    ['a database URL that is none', { DATABASE_URL: `postgresql://hasp:${password}@[::bad/hasp` }],
    ['a database URL of another kind', { DATABASE_URL: `mysql://hasp:${password}@127.0.0.1/hasp` }],
    ['a root secret that is none', { HASP_ROOT_SECRET: `*${rootSecret}` }],
    ['a misspelt setting', { HASP_ROOT_SECERT: rootSecret }],
  ])('says so without it: %s', async (_, env) => {
    await using dataDir = await createDataDir()
    const { code, stdout, stderr } = await runCli(new Seen(), ['serve'], {
      HASP_DATA_DIR: dataDir.path,
      HASP_LOG_LEVEL: 'trace',
      HASP_PORT: '0',
      ...env,
    })
    expect(code).not.toBe(0)
    expect(stdout + stderr).not.toBe('')
    expect(findLeaks(secrets, [{ where: 'the output', text: stdout + stderr }])).toEqual([])
  })
})

describe('the search for leaks', () => {
  it('finds a secret in every encoding, also a fragment of 24 bytes', () => {
    const bytes = randomBytes(40)
    const secret: Secret = { name: 'one', kind: 'dek', bytes }
    const surfaces = formsOf(bytes)
      .filter(({ encoding }) => encoding !== 'plain' && encoding !== 'utf-16le')
      .map(({ encoding, bytes: form }) => ({
        where: encoding,
        text: `before ${form.toString('latin1')} after`,
      }))
    expect(surfaces.length).toBeGreaterThan(6)
    for (const surface of surfaces) expect(findLeaks([secret], [surface])).not.toEqual([])
    expect(
      findLeaks([secret], [{ where: 'a fragment', text: bytes.toString('hex').slice(0, 48) }]),
    ).toHaveLength(1)
    const text: Secret = { name: 'two', kind: 'credential', bytes: Buffer.from(bytes.toString('hex')) }
    expect(findLeaks([text], [{ where: 'plain', text: `x${bytes.toString('hex')}x` }])).toHaveLength(1)
  })
})

type ProcessSeen = Readonly<{ isItself: boolean; commandLine: string; environment: string }>

/** The process itself, and all whose command line or parent shows that they belong to it. */
async function processesUnder(pid: number, dataDir: string): Promise<ProcessSeen[]> {
  const seen: ProcessSeen[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const read = (file: string) => readFile(`/proc/${entry}/${file}`, 'latin1').catch(() => '')
    const commandLine = (await read('cmdline')).replaceAll('\0', ' ')
    const parent = /^PPid:\s*(\d+)$/m.exec(await read('status'))?.[1]
    const isItself = Number(entry) === pid
    if (!isItself && Number(parent) !== pid && !commandLine.includes(dataDir)) continue
    seen.push({ isItself, commandLine, environment: await read('environ') })
  }
  return seen
}
