import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'
import { ask } from '#cli/terminal/ask.ts'
import { isInteractive } from '#cli/terminal/terminal.ts'
import { runCommand } from './run-command.ts'

export type LeverOptions = Readonly<{
  withdrawCommand?: string
  restoreCommand?: string
  withdrawnAt?: string
  restoredAt?: string
}>

/** How one who drills withdraws the KEK, or gives it back. @returns when that was, if it was not just now. */
type Lever = (facts: Record<string, string>, signal: AbortSignal) => Promise<string | undefined>

/**
 * Both levers, before anything is started.
 * @throws {CliError} `usage`
 */
export function leversOf(io: CliIo, options: LeverOptions): { withdraw: Lever; restore: Lever } {
  return {
    withdraw: leverOf(io, {
      command: options.withdrawCommand,
      at: options.withdrawnAt,
      flags: ['--withdraw-command', '--withdrawn-at'],
      question: 'Withdraw the KEK in your cloud now, and press Enter when it has answered. ',
    }),
    restore: leverOf(io, {
      command: options.restoreCommand,
      at: options.restoredAt,
      flags: ['--restore-command', '--restored-at'],
      question: 'Give the KEK back now, and press Enter when your cloud has answered. ',
    }),
  }
}

function leverOf(
  io: CliIo,
  given: Readonly<{
    command: string | undefined
    at: string | undefined
    flags: readonly [string, string]
    question: string
  }>,
): Lever {
  const { command, at, flags, question } = given
  if (command !== undefined && at !== undefined) {
    throw new CliError('usage', `${flags.join(' and ')} exclude each other: either Hasp runs it, or you do.`)
  }
  if (command !== undefined) {
    return async (facts, signal) => {
      await runCommand(io, { flag: flags[0], command }, facts, signal)
      return undefined
    }
  }
  if (at !== undefined) {
    return async (_, signal) => {
      await sleep(Math.max(0, Date.parse(at) - Date.now()), undefined, { signal }).catch(() => {})
      return at
    }
  }
  if (!isInteractive(io)) {
    throw new CliError(
      'usage',
      'nobody is at a terminal to withdraw the KEK and to give it back.',
      `Say how: ${flags[0]} COMMAND, or ${flags[1]} TIME. See: hasp drill --help`,
    )
  }
  return async () => {
    await ask(io, question)
    return undefined
  }
}
