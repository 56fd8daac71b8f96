import type { Command } from 'commander'
import { CliError } from '#cli/cli-error.ts'

/** How a KEK is reached, as its provider names it. */
export type AccessOptions = Readonly<{
  keyArn?: string
  roleArn?: string
  keyName?: string
  identityProvider?: string
  keyId?: string
  tenantId?: string
}>

const flags: Readonly<Record<keyof AccessOptions, string>> = {
  keyArn: '--key-arn',
  roleArn: '--role-arn',
  keyName: '--key-name',
  identityProvider: '--identity-provider',
  keyId: '--key-id',
  tenantId: '--tenant-id',
}
const names = Object.keys(flags) as readonly (keyof AccessOptions)[]

type Taken = Readonly<{
  needed: readonly (keyof AccessOptions)[]
  optional: readonly (keyof AccessOptions)[]
}>
const takenBy: ReadonlyMap<string, Taken> = new Map([
  ['aws', { needed: ['keyArn'], optional: ['roleArn'] }],
  ['gcp', { needed: ['keyName'], optional: ['identityProvider'] }],
  ['azure', { needed: ['keyId', 'tenantId'], optional: [] }],
  ['local', { needed: [], optional: [] }],
])

export function withAccessOptions(command: Command): Command {
  return command
    .option('--key-arn <arn>', 'aws: full ARN of the KMS key, never an alias')
    .option('--role-arn <arn>', 'aws: role in the account of the key, for Hasp to assume (recommended)')
    .option('--key-id <url>', 'azure: key identifier with its version, of a key vault or a Managed HSM')
    .option('--tenant-id <guid>', 'azure: the tenant that the vault trusts')
    .option('--key-name <name>', 'gcp: projects/…/locations/…/keyRings/…/cryptoKeys/…, without a version')
    .option('--identity-provider <name>', 'gcp: provider in your workload identity pool (recommended)')
}

/**
 * Those that the provider takes; of one that is not known here the service is asked.
 * @throws {CliError} `usage` for one that is missing, or is another provider's and would be left out unsaid
 */
export function accessOf(provider: string, options: AccessOptions): AccessOptions {
  const given = names.filter((name) => options[name] !== undefined)
  const access: AccessOptions = Object.fromEntries(given.map((name) => [name, options[name]]))
  const taken = takenBy.get(provider)
  if (taken === undefined) return access
  const hint = 'See: hasp kek register --help'
  const missing = taken.needed.filter((name) => options[name] === undefined).map((name) => flags[name])
  if (missing.length > 0)
    throw new CliError('usage', `--provider ${provider} needs ${missing.join(' and ')}.`, hint)
  const stray = given.filter((name) => !taken.needed.includes(name) && !taken.optional.includes(name))
  if (stray.length === 0) return access
  const strays = stray.map((name) => flags[name]).join(' and ')
  throw new CliError('usage', `--provider ${provider} does not take ${strays}.`, hint)
}
