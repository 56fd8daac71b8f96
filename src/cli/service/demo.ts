import type { Command } from 'commander'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'

/** `hasp demo` */
export function addDemo(program: Command, cli: Cli): void {
  addCommand(program, 'demo', {
    summary: 'Watch the whole story on this machine, revocation included.',
    details:
      'Starts an emulated AWS, mock providers and a Hasp, lends a credential to unmodified SDKs, takes the padlock away and puts it back. Exit code 1 when anything did not hold.',
    examples: ['hasp demo', 'hasp demo --json'],
  }).action(async (options: OutputOptions) => {
    const { runDemo } = await import('#cli/demo/demo.ts')
    cli.exitCode = await runDemo(cli.io, { json: options.json === true })
  })
}
