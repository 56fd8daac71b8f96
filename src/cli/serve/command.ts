import type { Command } from 'commander'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'

/** `hasp serve` */
export function addServe(program: Command, cli: Cli): void {
  addCommand(program, 'serve', {
    summary: 'Run the service.',
    details:
      'Runs on a PostgreSQL of its own in HASP_DATA_DIR, or on DATABASE_URL. The first start prints the admin token, this once. Settings come from the environment (docs/configuration.md). SIGTERM or Ctrl-C stops it when the calls under way are done; the same again, at once.',
    examples: [
      'hasp serve',
      'HASP_PORT=8080 HASP_DATA_DIR=/var/lib/hasp hasp serve',
      'DATABASE_URL=postgres://… HASP_ROOT_SECRET=$(cat /run/secrets/hasp-root) hasp serve',
    ],
  }).action(async (options: OutputOptions) => {
    const { serveHasp } = await import('./serve.ts')
    await serveHasp(cli.io, options)
  })
}
