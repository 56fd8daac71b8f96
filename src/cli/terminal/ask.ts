import { createInterface } from 'node:readline/promises'
import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'

/**
 * Asks one question and reads the line that answers it.
 * @throws {CliError} `cancelled` when the person presses Ctrl-C or ends the input instead
 */
export async function ask(io: CliIo, question: string): Promise<string> {
  const reader = createInterface({ input: io.stdin, output: io.stderr, terminal: io.stdin.isTTY === true })
  const { promise, reject } = Promise.withResolvers<never>()
  reader.once('SIGINT', () => reject(new CliError('cancelled', 'cancelled')))
  reader.once('close', () => reject(new CliError('cancelled', 'cancelled')))
  try {
    return await Promise.race([reader.question(question), promise])
  } finally {
    reader.close()
  }
}
