import type { Command } from 'commander'
import { openSession, type OutputOptions, type Session } from './api/session.ts'
import { teach } from './help.ts'
import type { CliIo } from './io.ts'
import { parseCount } from './parse/options.ts'

/** One run of the command line; commands that end with a code of their own put it here. */
export type Cli = { readonly io: CliIo; exitCode: number }

type About = Readonly<{
  summary: string
  /** What a newcomer needs to know before using it. */
  details?: string
  /** Whole command lines, each ready to type. */
  examples: readonly string[]
}>

/** A command that does something. Every one of them has `--json` and teaches by example. */
export function addCommand(parent: Command, usage: string, about: About): Command {
  const command = parent
    .command(usage)
    .summary(about.summary)
    .description([about.summary, ...(about.details === undefined ? [] : ['', about.details])].join('\n'))
    .option('--json', 'print JSON instead of text; errors and help too')
  teach(command, about.examples)
  return command
}

/** A noun that commands gather under. */
export function addGroup(
  program: Command,
  name: string,
  about: About & Readonly<{ details: string }>,
): Command {
  const group = program
    .command(name)
    .summary(about.summary)
    .description(`${about.summary}\n\n${about.details}`)
  teach(group, about.examples)
  return group
}

/** Options of lists. */
export type ListOptions = OutputOptions & Readonly<{ limit: number; cursor?: string }>

export function withPaging(command: Command): Command {
  return command
    .option('--limit <n>', 'show at most so many', parseCount, 50)
    .option('--cursor <cursor>', 'go on where the list before ended')
}

export function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask for confirmation; needed where nobody is at a terminal')
}

/** Runs `work` on the API, with the arguments and then the options of the command line. */
export function withSession<Given extends unknown[]>(
  cli: Cli,
  work: (session: Session, ...given: Given) => Promise<void>,
): (...all: [...Given, ...unknown[]]) => Promise<void> {
  return async (...all) => {
    // Commander passes the declared arguments, the options, and then the command itself, which is left out.
    const given = all.slice(0, -1) as Given
    const options = given.at(-1) as OutputOptions
    await work(openSession(cli.io, options), ...given)
  }
}
