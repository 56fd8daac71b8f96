import type { CommanderError } from 'commander'

const secretOption = /^--?(api-?)?(credential|key|secret|token|password)(=|$)/i
const shownMax = 24

/**
 * What was wrong with a command line. Whatever was typed is repeated only as far as it can not be a secret: people
 * do type credentials as options and arguments.
 */
export function explainMisuse(
  error: CommanderError,
  argv: readonly string[],
): { message: string; hint?: string } {
  const message = error.message.replace(/^error: /, '')
  const option = argv.find((word) => secretOption.test(word))
  if (option !== undefined) {
    return {
      message: `there is no option ${option.replace(/=.*/s, '')}: secrets are never taken from the command line, where every user of this machine can see them (ps) and your shell keeps them.`,
      hint: 'A provider credential is asked for, or read from a pipe or --credential-file PATH; the admin token is read from HASP_TOKEN. If you just typed a secret, take it out of your shell history.',
    }
  }
  switch (error.code) {
    case 'commander.help':
      return { message: 'a command is missing', hint: 'Add --help to see which there are.' }
    case 'commander.excessArguments':
      return { message: message.replace(/(but got \d+):.*$/s, '$1.'), hint: seeHelp }
    case 'commander.unknownCommand':
    case 'commander.unknownOption':
    case 'commander.missingArgument':
    case 'commander.missingMandatoryOptionValue':
      return { message: withoutSecrets(message), hint: seeHelp }
    default:
      return { message: withoutSecrets(message) }
  }
}

const seeHelp = 'Add --help to see what it takes, with examples.'

function withoutSecrets(message: string): string {
  return message.replace(/'([^']*)'/g, (_, typed: string) => `'${shorten(typed)}'`)
}

function shorten(typed: string): string {
  const name = typed.replace(/^(--?[^=]*)=.*$/s, '$1')
  return name.length <= shownMax || name.includes(' ') ? name : `${name.slice(0, 8)}…`
}
