import type { Command } from 'commander'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'
import type { CliIo } from '#cli/io.ts'
import { Output } from '#cli/output/output.ts'
import { loadConfig } from '#config/load-config.ts'
import { requireDataDir } from './require-data-dir.ts'

/** `hasp migrate` */
export function addMigrate(program: Command, cli: Cli): void {
  addCommand(program, 'migrate', {
    summary: 'Bring the database to the schema of this version.',
    details:
      "Works on DATABASE_URL, or on Hasp's own database in HASP_DATA_DIR. Only goes forward. 'hasp serve' does the same at its start; run it apart where the service may not change the schema. Safe while others do the same.",
    examples: ['hasp migrate', 'DATABASE_URL=postgres://… hasp migrate --json'],
  }).action((options: OutputOptions) => migrate(cli.io, options))
}

async function migrate(io: CliIo, options: OutputOptions): Promise<void> {
  const out = new Output(io, options.json === true)
  const config = loadConfig(io.env)
  if (config.databaseUrl === undefined) await requireDataDir(config)
  const { openOperator } = await import('#context/operator.ts')
  await using operator = await openOperator(config, (message) => out.note(message))
  const applied = await operator.migrate()
  out.answer({ applied }, () =>
    applied.length === 0
      ? 'The database is up to date: nothing to do.'
      : `Applied:\n${applied.map((name) => `  ${name}`).join('\n')}`,
  )
}
