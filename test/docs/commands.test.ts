import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { commands } from '#cli/commands.ts'
import { codeOf, readPages, root } from './pages.ts'

const pages = await readPages()
const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  await readFile(`${root}package.json`, 'utf8'),
)
const program = await buildProgram()

describe('commands that the docs name', () => {
  it.each(pages.map(({ path, text }) => [path, codeOf(text)] as const))('in %s exist', (_, code) => {
    expect(unknownCommandsOf(code)).toEqual([])
  })

  it('are read, with their options', () => {
    expect(unknownCommandsOf('npm run nonsense; npm run ci')).toEqual(['npm run nonsense'])
    expect(unknownCommandsOf('bin/hasp kek register --name x --nonsense y')).toEqual([
      'hasp kek register --nonsense',
    ])
    expect(unknownCommandsOf('bin/hasp kek nonsense')).toEqual(['hasp kek nonsense'])
    expect(unknownCommandsOf('$(bin/hasp vkey issue --name x --quiet)')).toEqual([])
  })
})

function unknownCommandsOf(code: string): string[] {
  const runs = [...code.matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, name = '']) => name)
  const lines = [
    ...code.matchAll(/(?<![\w./-]|--[\w-]+ )(?:bin\/)?hasp ((?:[a-z-]+)(?: [^\n`;|#)]*)?)/g),
  ].map(([, words = '']) => words)
  return [
    ...runs.filter((name) => !Object.hasOwn(scripts, name)).map((name) => `npm run ${name}`),
    ...lines.flatMap((words) => faultOf(words.trim().split(/\s+/))),
  ]
}

/** The command that does not exist, or its options that do not. */
function faultOf(words: readonly string[]): string[] {
  let command = program
  const path = ['hasp']
  for (const word of words) {
    if (command.commands.length === 0 || word.startsWith('-')) break
    path.push(word)
    const next = command.commands.find((candidate) => candidate.name() === word)
    // `ledger …`, `kek …`: the docs speak of a whole group.
    if (next === undefined) return word === '…' || word === 'COMMAND' ? [] : [path.join(' ')]
    command = next
  }
  const known = new Set(command.options.flatMap(({ long, short }) => [long, short]))
  return words
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.split('=', 1)[0] ?? '')
    .filter((option) => !known.has(option) && option !== '--help')
    .map((option) => `${path.join(' ')} ${option}`)
}

/** Every command of `hasp`, without running any. */
async function buildProgram(): Promise<Command> {
  const built = new Command('hasp').option('-V, --version', '')
  const io = {
    argv: [],
    env: {},
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    onSignal: () => {},
  }
  for (const { load } of commands) {
    const add = await load()
    add(built, { io, exitCode: 0 })
  }
  return built
}
