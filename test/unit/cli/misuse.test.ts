import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { runCli } from '#cli/hasp.ts'
import { commands } from '#cli/commands.ts'
import { mintToken } from '#integrity/token.ts'
import { scriptIo } from './scripted-io.ts'

const env = { HASP_URL: 'http://127.0.0.1:9', HASP_TOKEN: mintToken('hasp_admin').token }

async function run(argv: string[], given: Record<string, string> = env) {
  const io = scriptIo({ argv, env: given })
  const code = await runCli(io)
  return { code, out: io.out(), err: io.err() }
}

describe('a command line that is misused', () => {
  it.each([
    [['kke'], '(Did you mean kek?)'],
    [['kek', 'lst'], '(Did you mean list?)'],
    [['kek', 'list', '--limt', '3'], '(Did you mean --limit?)'],
    [['kek', 'list', '--limit', 'x'], 'whole number'],
    [['kek', 'show'], "missing required argument 'kek'"],
    [['kek', 'show', 'a', 'b'], 'too many arguments'],
    [['kek', 'register', '--name', 'x'], '--provider'],
    [['kek', 'register', '--name', 'x', '--provider', 'aws'], 'aws needs --key-arn'],
    [
      ['kek', 'register', '--name', 'x', '--provider', 'local', '--tenant-id', 't'],
      'does not take --tenant-id',
    ],
    [['kek', 'link', 'x', '--list', '--revoke', 'y'], 'cannot be used with'],
    [['job', 'show', 'x'], 'hasp job list'],
    [['job', 'cancel', 'x', '--yes'], 'hasp job list'],
    [['kek', 'update', 'x'], 'nothing to change'],
    [['kek', 'register', '--unwrap-mode', 'loose'], 'strict, shared, cached'],
    [['target', 'update', 'x'], 'nothing to change'],
    [['vkey', 'update', 'x'], 'nothing to change'],
    [['ledger', '--kind', 'kek.lost'], 'kek.retired'],
    [['target', 'retire-credential', 'x', 'first'], 'whole number'],
    [['vkey', 'issue', '--name', 'x', '--targets', 'all', '--quiet', '--json'], 'cannot be used with'],
    [['kek'], 'Commands:'],
    [[], 'Commands:'],
  ])('%j exits with 2 and says %j', async (argv, said) => {
    const { code, out, err } = await run(argv)
    expect(code).toBe(2)
    expect(err).toContain(said)
    expect(out).toBe('')
  })

  it.each([['kke'], ['kek list --limt 3'], ['kek show'], ['vkey issue --name x'], ['kek show a b']])(
    'says where to find what it takes: hasp %s',
    async (line) => {
      expect((await run(line.split(' '))).err).toContain('Add --help')
    },
  )

  it('does not repeat a link that was given in the place of its id, for it is a secret', async () => {
    const { code, err } = await run(['kek', 'link', 'x', '--revoke', 'http://h/onboarding/hasp_link_secret'])
    expect(code).toBe(2)
    expect(err).toContain('kek link x --list')
    expect(err).not.toContain('secret')
  })

  it('is told to machines as JSON on standard error, with every member', async () => {
    const { code, out, err } = await run(['kek', 'list', '--what', '--json'])
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(JSON.parse(err)).toEqual({
      error: {
        code: 'usage',
        message: "unknown option '--what'",
        hint: expect.stringContaining('--help'),
        status: null,
        requestId: null,
      },
    })
  })
})

describe('the environment', () => {
  it('is told to lack all that it lacks, with what to type', async () => {
    const { code, err } = await run(['kek', 'list'], {})
    expect(code).toBe(2)
    expect(err).toContain('HASP_URL is not set')
    expect(err).toContain('HASP_TOKEN is not set')
    expect(err).toContain('export HASP_URL=http://127.0.0.1:4700; read -rs HASP_TOKEN')
  })

  it.each([
    [{ ...env, HASP_TOKEN: 'hasp_vk_abc' }, 'virtual key'],
    [{ ...env, HASP_URL: 'localhost:4700' }, 'not an http(s) URL'],
    [{ ...env, HASP_URL: 'http://u:p@127.0.0.1' }, 'user name'],
  ])('%j is refused before anything is sent', async (given, said) => {
    const { code, err } = await run(['kek', 'list'], given)
    expect(code).toBe(2)
    expect(err).toContain(said)
    expect(err).not.toContain(given.HASP_TOKEN)
  })

  it.each([
    ['sk-proj-0123456789abcdefghijklmnopqrstuv', 'credential of a provider'],
    ['sk-ant-api03-0123456789abcdefghijklmnop', 'credential of a provider'],
    [mintToken('hasp_vk').token, 'virtual key'],
    [mintToken('hasp_admin').token.slice(0, -2), 'not whole'],
    [`${mintToken('hasp_admin').token} `, 'not whole'],
    ['two words, no token', 'something else'],
  ])('with a token that is none (%#) sends nothing, and shows none of it', async (token, said) => {
    const received: string[] = []
    const server = createServer((request, response) => {
      received.push(request.url ?? '')
      response.end('{}')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const given = { HASP_URL: `http://127.0.0.1:${port}`, HASP_TOKEN: token }
    const { code, out, err } = await run(['kek', 'list'], given)
    server.close()
    expect({ code, out, received }).toEqual({ code: 2, out: '', received: [] })
    expect(err).toContain(said)
    expect(err).toContain('Nothing was sent.')
    expect(err).not.toContain(token.slice(0, -1))
  })

  it('is warned of when tokens would travel unencrypted', async () => {
    const given = { ...env, HASP_URL: 'http://hasp.invalid:1' }
    expect((await run(['kek', 'list'], given)).err).toContain('unencrypted')
    expect((await run(['kek', 'list', '--json'], given)).err).not.toContain('unencrypted')
  })
})

describe('a secret on the command line', () => {
  const secret = 'sk-live-0123456789abcdefghij'
  it.each([
    [['target', 'add', '--name', 'x', '--provider', 'openai', '--kek', 'k', '--credential', secret]],
    [['target', 'add', `--credential=${secret}`]],
    [['target', 'rotate', 'x', `--api-key=${secret}`]],
    [['kek', 'list', '--token', secret]],
    [['kek', 'list', '--token', secret, '--json']],
  ])('is refused with the reason, and not repeated: %j', async (argv) => {
    const { code, out, err } = await run(argv)
    expect(code).toBe(2)
    expect(err).toContain('secrets are never taken from the command line')
    expect(out + err).not.toContain(secret)
  })

  it.each([
    [['target', 'list', secret]],
    [['target', secret]],
    [[secret]],
    [['target', 'list', `--x=${secret}`]],
  ])('is not repeated where it was not expected: %j', async (argv) => {
    const { code, out, err } = await run(argv)
    expect(code).toBe(2)
    expect(out + err).not.toContain(secret)
  })

  it('has no option in any command', async () => {
    const { out } = await run(['target', 'add', '--help'])
    expect(out).toContain('There is no option for its value')
    expect(out).not.toMatch(/--(credential|api-key|token|secret)[ =]/)
  })
})

describe('help', () => {
  it('teaches by example on every command', async () => {
    const leaves: string[][] = []
    for (const { name } of commands) {
      const { out } = await run([name, '--help'])
      const verbs = [...out.matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map((match) => match[1] ?? '')
      leaves.push(...(verbs.length === 0 ? [[name]] : verbs.map((verb) => [name, verb])))
    }
    expect(leaves.length).toBeGreaterThan(30)
    for (const leaf of leaves) {
      const { code, out } = await run([...leaf, '--help'])
      expect([leaf, code]).toEqual([leaf, 0])
      expect(out).toContain(`Usage: hasp ${leaf.join(' ')}`)
      expect(out).toContain('--json')
      expect(out).toContain(`Examples:\n  $ `)
    }
  })

  it('documents the exit codes', async () => {
    expect((await run(['--help'])).out).toContain('Exit codes: 0 done, 1 failed, 2 misused')
  })
})

describe('the configuration of the service', () => {
  it.each(['serve', 'migrate'])('has all its faults told at once by %s', async (command) => {
    const { code, err } = await run([command], { HASP_PORT: 'x', HASP_LOG_LEVEL: 'loud', HASP_PROT: '1' })
    expect(code).toBe(2)
    for (const name of ['HASP_PORT', 'HASP_LOG_LEVEL', 'HASP_PROT']) expect(err).toContain(name)
  })

  it('has its faults told as JSON', async () => {
    const { err } = await run(['serve', '--json'], { HASP_PORT: 'x' })
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'configuration_invalid' } })
  })
})
