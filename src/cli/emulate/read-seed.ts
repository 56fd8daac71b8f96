import { readFile } from 'node:fs/promises'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { CliError } from '#cli/cli-error.ts'

/** What an emulator is to start with. @throws {CliError} `usage`, naming each fault of the file */
export async function readSeed<Schema extends TSchema>(
  path: string,
  schema: Schema,
): Promise<Static<Schema>> {
  let seed: unknown
  try {
    seed = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : 'can not be read'
    throw new CliError('usage', `the seed "${path}" ${why}.`)
  }
  if (Value.Check(schema, seed)) return seed
  const faults = Value.Errors(schema, seed).slice(0, 10)
  throw new CliError(
    'usage',
    `the seed "${path}" does not fit:\n${faults.map((fault) => `  ${fault.instancePath || '/'} ${fault.message}`).join('\n')}`,
    'docs/emulators.md says what a seed holds.',
  )
}
