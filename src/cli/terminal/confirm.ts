import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'
import { ask } from './ask.ts'
import { isInteractive } from './terminal.ts'

/**
 * Lets a person think twice before something that can not be undone; `--yes` stands for their answer.
 * @throws {CliError} `confirmation_needed` where nobody can be asked; `not_confirmed` for any answer but yes
 */
export async function confirm(io: CliIo, options: { yes?: boolean }, what: string): Promise<void> {
  if (options.yes === true) return
  if (!isInteractive(io)) {
    throw new CliError(
      'confirmation_needed',
      `${what} This needs confirmation, and nobody is at a terminal to give it.`,
      'Add --yes to confirm.',
    )
  }
  const answer = await ask(io, `${what} Continue? [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('not_confirmed', 'nothing was changed.')
}
