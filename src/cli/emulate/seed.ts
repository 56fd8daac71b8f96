import { readFile } from 'node:fs/promises'
import { Value } from 'typebox/value'
import { Seed } from '#emulators/aws/control/inputs.ts'
import { CliError } from '#cli/cli-error.ts'

const haspAccountId = '111111111111'
const customerAccountId = '222222222222'

/**
 * Hasp's account with the user that it runs as, and a customer's with a role and a key; the role trusts nobody until
 * the grant that `hasp kek register` prints is put in place.
 */
export const defaultSeed: Seed = {
  accounts: [
    {
      accountId: haspAccountId,
      users: [{ name: 'hasp', policies: [allow({ Action: 'sts:AssumeRole', Resource: '*' })] }],
    },
    {
      accountId: customerAccountId,
      roles: [
        {
          name: 'hasp-lends',
          trustPolicy: allow({
            Principal: { AWS: `arn:aws:iam::${haspAccountId}:user/hasp` },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'sts:ExternalId': 'not-granted-yet' } },
          }),
        },
      ],
      keys: [{ description: 'a KEK' }],
    },
  ],
}

/** @throws {CliError} `usage`, naming each fault of the file */
export async function readSeed(path: string): Promise<Seed> {
  let seed: unknown
  try {
    seed = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : 'can not be read'
    throw new CliError('usage', `the seed "${path}" ${why}.`)
  }
  if (Value.Check(Seed, seed)) return seed
  const faults = Value.Errors(Seed, seed).slice(0, 10)
  throw new CliError(
    'usage',
    `the seed "${path}" does not fit:\n${faults.map((fault) => `  ${fault.instancePath || '/'} ${fault.message}`).join('\n')}`,
    'docs/emulators.md says what a seed holds.',
  )
}

function allow(statement: object) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] }
}
