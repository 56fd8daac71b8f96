import { connectAwsEmulator, type AwsEmulatorClient } from '#emulators/aws/control/control-client.ts'
import { ownPolicies, trust, wrapAndUnwrap } from '../../hasp/aws-policies.ts'
import { startServer } from '../child-process.ts'
import type { Aside } from '../system.ts'

/** An emulated AWS with Hasp's account and a customer's, in a process of its own. */
export type CustomerAws = Readonly<{
  keyArn: string
  roleArn: string
  /** What Hasp is started with. */
  env: Record<string, string>
  /** What the customer does once Hasp has told its ExternalId and organisation. */
  grant: (externalId: string, orgId: string) => Promise<void>
  aside: Aside
}>

/** One customer for each Hasp, all in one emulator. */
export async function startCustomers(
  stack: AsyncDisposableStack,
): Promise<{ newCustomer: () => Promise<CustomerAws> }> {
  const script = new URL('../servers/aws-emulator.ts', import.meta.url)
  const { url, pid } = await startServer(stack, script, [], { isTested: false })
  const command = connectAwsEmulator(url)
  return { newCustomer: () => newCustomer(command, url, { name: 'AWS emulator', pid }) }
}

async function newCustomer(command: AwsEmulatorClient, url: string, aside: Aside): Promise<CustomerAws> {
  const hasp = await command('create-account', {})
  const { arn, accessKey } = await command('create-user', {
    accountId: hasp.accountId,
    name: 'hasp',
    policies: ownPolicies,
  })
  const { accountId } = await command('create-account', {})
  const { arn: roleArn } = await command('create-role', {
    accountId,
    name: 'hasp-lends',
    trustPolicy: trust(arn, 'nobody-yet'),
  })
  const { keyArn } = await command('create-key', { accountId })
  return {
    keyArn,
    roleArn,
    aside,
    env: {
      HASP_AWS_PRINCIPAL_ARN: arn,
      AWS_ENDPOINT_URL_KMS: url,
      AWS_ENDPOINT_URL_STS: url,
      AWS_ACCESS_KEY_ID: accessKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: accessKey.secretAccessKey,
    },
    async grant(externalId, orgId) {
      await command('put-trust-policy', { roleArn, trustPolicy: trust(arn, externalId) })
      const policies = wrapAndUnwrap(keyArn, orgId)
      await command('put-policies', { principalArn: roleArn, policies })
    },
  }
}
