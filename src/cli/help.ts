import { Help, type Command } from 'commander'
import { CliError } from './cli-error.ts'
import { asTyped } from './output/as-typed.ts'

const examplesOf = new WeakMap<Command, readonly string[]>()

/** Gives a command its examples: whole command lines, each ready to type. */
export function teach(command: Command, examples: readonly string[]): void {
  examplesOf.set(command, examples)
}

/** How help is written: for people, with examples as they are typed here; or as one JSON value. */
export function helpStyle({ word, isJson }: { word: string; isJson: boolean }): Partial<Help> {
  return {
    commandDescription: (command) => asTyped(command.description(), word),
    commandUsage: (command) => asTyped(Help.prototype.commandUsage.call(new Help(), command), word),
    formatHelp: (command, help) =>
      isJson
        ? `${JSON.stringify(describeCommand(command, help, word), null, 2)}\n`
        : Help.prototype.formatHelp.call(help, command, help) + examplesText(command, word),
  }
}

/**
 * Prints the help of the command that `path` names, however deep.
 * @throws {CliError} `usage` where there is none
 */
export function printHelpOf(program: Command, path: readonly string[]): void {
  let command = program
  for (const name of path) {
    const next = command.commands.find((candidate) => candidate.name() === name)
    if (next === undefined) {
      const called = [...ancestors(command), command.name()].join(' ')
      throw new CliError('usage', `there is no such command of '${called}'.`, `See: ${called} --help`)
    }
    command = next
  }
  command.outputHelp()
}

function examplesText(command: Command, word: string): string {
  const examples = examplesOf.get(command) ?? []
  if (examples.length === 0) return ''
  return `\nExamples:\n${examples.map((example) => `  $ ${asTyped(example, word)}`).join('\n')}\n`
}

function describeCommand(command: Command, help: Help, word: string) {
  return {
    command: [...ancestors(command), command.name()].join(' '),
    usage: help.commandUsage(command),
    description: help.commandDescription(command),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      isRequired: argument.required,
    })),
    options: help.visibleOptions(command).map((option) => ({
      flags: option.flags,
      description: option.description,
      choices: option.argChoices ?? null,
      isRequired: option.mandatory,
    })),
    commands: help
      .visibleCommands(command)
      .map((child) => ({ name: child.name(), summary: help.subcommandDescription(child) })),
    examples: (examplesOf.get(command) ?? []).map((example) => asTyped(example, word)),
  }
}

function ancestors(command: Command): string[] {
  return command.parent === null ? [] : [...ancestors(command.parent), command.parent.name()]
}
