import { Command, CommanderError } from 'commander'
import type { Cli } from './command.ts'
import { commands } from './commands.ts'
import { helpStyle, printHelpOf, teach } from './help.ts'
import type { CliIo } from './io.ts'
import { printLine } from './io.ts'
import { asTyped, commandWord } from './output/as-typed.ts'
import { reportError } from './output/report-error.ts'
import { readVersion } from './version.ts'

const epilogue = `
Exit codes: 0 done, 1 failed, 2 misused (nothing was tried).
The commands over the API read HASP_URL and HASP_TOKEN from the environment.
'hasp COMMAND --help' explains each with examples; docs/cli.md has them all.`

const firstSteps = [
  'hasp serve                                                  # then, in another terminal:',
  'hasp kek register --provider local --name trial --verify',
  'hasp target add --provider openai --name openai --kek trial',
  'hasp vkey issue --name my-agent --targets all',
]

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 failed, 2 misused
 */
export async function runCli(io: CliIo): Promise<number> {
  const cli: Cli = { io, exitCode: 0 }
  const isJson = io.argv.includes('--json')
  const words = io.argv.filter((word) => word !== '--json')
  try {
    if (words[0] === '--version' || words[0] === '-V') {
      const version = await readVersion()
      printLine(io, isJson ? JSON.stringify({ version }) : version)
      return 0
    }
    const program = await buildProgram(cli, isJson)
    if (words[0] === 'help') {
      printHelpOf(program, pathIn(words.slice(1)))
      return 0
    }
    const isBareHelp = words.length === 1 && (words[0] === '--help' || words[0] === '-h')
    await program.parseAsync([...(isBareHelp ? words : io.argv)], { from: 'user' })
    return cli.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return reportError(io, error, isJson)
  }
}

/** The program with only that command loaded which is called: no command pays for another's imports. */
async function buildProgram(cli: Cli, isJson: boolean): Promise<Command> {
  const { io } = cli
  const word = commandWord(io)
  const program = new Command('hasp')
    .description(
      'Keeps LLM provider credentials sealed under your own cloud KMS key, and lends them to agents one request at a time.',
    )
    .option('-V, --version', 'print the version')
    .helpCommand('help [command...]', 'explain a command')
    .exitOverride()
    .configureHelp(helpStyle({ word, isJson }))
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => isJson || io.stderr.write(text),
      // Errors are thrown too, and reported in one place.
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(io),
      getErrHelpWidth: () => helpWidth(io),
    })
    .addHelpText('after', () => (isJson ? '' : asTyped(epilogue, word)))
  teach(program, firstSteps)
  const [first, second] = pathIn(io.argv)
  const called = first === 'help' ? second : first
  for (const { name, summary, load } of commands) {
    if (name === called) (await load())(program, cli)
    else program.command(name).summary(summary).description(summary)
  }
  return program
}

/** The words of a command line that name a command. */
function pathIn(words: readonly string[]): string[] {
  return words.filter((word) => !word.startsWith('-'))
}

function helpWidth(io: CliIo): number {
  return Math.min(io.stdout.columns || 100, 120)
}
