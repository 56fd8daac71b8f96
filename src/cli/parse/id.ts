import { CliError } from '#cli/cli-error.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * An id as a list shows it. What was given in its place is not repeated: it may be a link, which is a secret.
 * @param listed the command whose list has it
 * @throws {CliError} `usage`
 */
export function requireId(text: string, noun: string, listed: string): string {
  if (uuid.test(text)) return text
  throw new CliError('usage', `a ${noun} is named by its id.`, `The column ID has it: ${listed}`)
}
