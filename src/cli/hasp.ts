import { Command, CommanderError } from 'commander'
import { ConfigError } from '#config/load-config.ts'
import { printError, type CliIo } from './io.ts'
import { serveHasp } from './serve.ts'

/** Runs one command line. @returns the exit code: 0 done, 1 failed, 2 misused. */
export async function runCli(io: CliIo): Promise<number> {
  let exitCode = 0
  const program = new Command('hasp')
    .description(
      'Keeps LLM provider credentials sealed under your own cloud KMS key, and lends them one request at a time.',
    )
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
  program
    .command('serve')
    .description('Run the service.')
    .action(async () => {
      exitCode = await serveHasp(io)
    })
  try {
    await program.parseAsync([...io.argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    printError(io, `hasp: ${error instanceof Error ? error.message : 'failed'}`)
    return error instanceof ConfigError ? 2 : 1
  }
}
