import { Command, CommanderError } from 'commander'
import type { Cli } from './command.ts'
import { commands } from './commands.ts'
import type { CliIo } from './io.ts'
import { printLine } from './io.ts'
import { reportError } from './output/report-error.ts'
import { readVersion } from './version.ts'

const epilogue = `
Exit codes: 0 done, 1 failed, 2 misused (nothing was tried).
The commands over the API read HASP_URL and HASP_TOKEN from the environment.
'hasp COMMAND --help' explains each with examples; docs/cli.md has them all.`

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 failed, 2 misused
 */
export async function runCli(io: CliIo): Promise<number> {
  const cli: Cli = { io, exitCode: 0 }
  const isJson = io.argv.includes('--json')
  try {
    if (io.argv[0] === '--version' || io.argv[0] === '-V') {
      printLine(io, await readVersion())
      return 0
    }
    const program = await buildProgram(cli, isJson)
    await program.parseAsync([...io.argv], { from: 'user' })
    return cli.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return reportError(io, error, isJson)
  }
}

/** The program with only that command loaded which is called: no command pays for another's imports. */
async function buildProgram(cli: Cli, isJson: boolean): Promise<Command> {
  const { io } = cli
  const program = new Command('hasp')
    .description(
      'Keeps LLM provider credentials sealed under your own cloud KMS key, and lends them to agents one request at a time.',
    )
    .option('-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => isJson || io.stderr.write(text),
      // Errors are thrown too, and reported in one place.
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(io),
      getErrHelpWidth: () => helpWidth(io),
    })
    .addHelpText('after', epilogue)
  const words = io.argv.filter((word) => !word.startsWith('-'))
  const called = words[0] === 'help' ? words[1] : words[0]
  for (const { name, summary, load } of commands) {
    if (name === called) (await load())(program, cli)
    else program.command(name).summary(summary).description(summary)
  }
  return program
}

function helpWidth(io: CliIo): number {
  return Math.min(io.stdout.columns ?? 100, 120)
}
