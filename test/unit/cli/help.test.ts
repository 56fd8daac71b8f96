import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { commands } from '#cli/commands.ts'
import { runCli } from '#cli/hasp.ts'
import { asTyped, commandWord } from '#cli/output/as-typed.ts'
import { wrap } from '#cli/output/wrap.ts'
import { scriptIo } from './scripted-io.ts'

async function run(argv: string[], env: Record<string, string> = {}, terminal = {}) {
  const io = scriptIo({ argv, env, ...terminal })
  const code = await runCli(io)
  return { code, out: io.out(), err: io.err() }
}

const paths = await everyPath()

describe('help', () => {
  it.each(paths)('of %j teaches with examples, however it is asked for', async (...path) => {
    const asked = await run([...path, '--help'])
    expect(asked).toMatchObject({ code: 0, err: '' })
    expect(asked.out).toMatch(/^Usage: hasp[^]*\nExamples:\n {2}\$ [^]*hasp /)
    expect(await run(['help', ...path])).toEqual(asked)
  })

  it.each(paths)('of %j is one JSON value for machines', async (...path) => {
    const { code, out, err } = await run(['help', ...path, '--json'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({
      command: ['hasp', ...path].join(' '),
      examples: expect.arrayContaining([expect.stringContaining('hasp ')]),
    })
    expect((await run([...path, '--help', '--json'])).out).toBe(out)
  })

  it('of a command that does not exist says where to look', async () => {
    const { code, err } = await run(['help', 'kek', 'nonsense'])
    expect(code).toBe(2)
    expect(err).toMatch(/no such command of 'hasp kek'[^]*hasp kek --help/)
  })

  it('has the version as JSON, too', async () => {
    const { out } = await run(['--version'])
    expect(JSON.parse((await run(['--version', '--json'])).out)).toEqual({ version: out.trim() })
    expect(JSON.parse((await run(['--json', '--version'])).out)).toEqual({ version: out.trim() })
  })
})

describe('the commands that Hasp names', () => {
  const env = { HASP_TYPED_AS: 'bin/hasp' }

  it('are as they were typed: in usage, examples, hints and errors for machines', async () => {
    expect((await run(['kek', 'register', '--help'], env)).out).toMatch(
      /^Usage: bin\/hasp kek register[^]*\$ bin\/hasp kek register/,
    )
    expect((await run(['kek', 'update', 'x'], { ...env, HASP_URL: 'x' })).err).toContain("'bin/hasp serve'")
    const refused = await run(['kek', 'list', '--json'], env)
    expect(JSON.parse(refused.err).error.hint).toContain("'bin/hasp serve'")
  })

  it('stay whole at a narrow terminal, where prose around them is wrapped', async () => {
    const { err } = await run(['kek', 'list'], { HASP_TOKEN: 'sk-no' }, { isTTY: true, columns: 40 })
    const [typed, ...prose] = err.split('\n').toSorted((a, b) => b.length - a.length)
    expect(typed).toMatch(/^ {2}(export HASP_URL=\S+; read -rs HASP_TOKEN; export HASP_TOKEN|Type this.*)$/)
    expect(prose.filter((line) => !line.includes('hasp serve') && !line.includes('export '))).toSatisfy(
      (lines: string[]) => lines.length > 3 && lines.every((line) => line.length <= 40),
    )
  })

  it('are ready to paste, also from a directory with a space in its name', () => {
    expect(commandWord({ env: { HASP_TYPED_AS: '/my files/hasp' } })).toBe("'/my files/hasp'")
    expect(commandWord({ env: { HASP_TYPED_AS: 'npx hasp' } })).toBe('npx hasp')
    expect(commandWord({ env: {} })).toBe('hasp')
  })

  it('are told from paths, names and prose', () => {
    expect(asTyped("See 'hasp kek list' | hasp target add", 'bin/hasp')).toBe(
      "See 'bin/hasp kek list' | bin/hasp target add",
    )
    for (const text of ['/var/lib/hasp serve', 'hasp_vk_…', 'Hasp serves', 'my-hasp kek', 'hasp: no']) {
      expect(asTyped(text, 'bin/hasp')).toBe(text)
    }
  })
})

it('wrapping keeps every word whole, and each line within its width', () => {
  expect(wrap('a bb ccc dddd', 4)).toEqual(['a bb', 'ccc', 'dddd'])
  expect(wrap('a 0123456789 b', 4)).toEqual(['a', '0123456789', 'b'])
  expect(wrap('', 4)).toEqual([''])
})

/** Every command, by the words that call it. */
async function everyPath(): Promise<string[][]> {
  const program = new Command('hasp')
  for (const { load } of commands) (await load())(program, { io: scriptIo(), exitCode: 0 })
  const below = (command: Command, path: string[]): string[][] => [
    path,
    ...command.commands.flatMap((child) => below(child, [...path, child.name()])),
  ]
  return below(program, []).filter((path) => path.length > 0)
}
