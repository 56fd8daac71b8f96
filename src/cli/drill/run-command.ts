import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'

const commandMsMax = 300_000

/**
 * Runs a command line of the operator's own in their shell, as they wrote it: nothing that comes from the service is
 * put into it. What it may need to know is in its environment, from which everything of Hasp's is taken. Its output
 * goes to standard error.
 * @throws {CliError} `command_failed`
 */
export async function runCommand(
  io: Pick<CliIo, 'env' | 'stderr'>,
  { flag, command }: Readonly<{ flag: string; command: string }>,
  facts: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(command, {
    shell: true,
    env: { ...withoutOurs(io.env), ...facts },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(commandMsMax)]),
  })
  child.stdout.pipe(io.stderr, { end: false })
  child.stderr.pipe(io.stderr, { end: false })
  const [code, killedBy] = await once(child, 'close').catch(() => [null, 'its time being up, or Ctrl-C'])
  if (code === 0) return
  const how = code === null ? `was ended by ${String(killedBy)}` : `ended with exit code ${String(code)}`
  throw new CliError('command_failed', `the command of ${flag} ${how}.`)
}

/** The settings of the service and of this command line hold secrets. */
function withoutOurs(env: CliIo['env']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('HASP_') && name !== 'DATABASE_URL'),
  )
}
