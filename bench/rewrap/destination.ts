import { connectAwsEmulator } from '#emulators/aws/control/control-client.ts'
import type { ManagementApi } from '../hasp/management-api.ts'
import type { CustomerAws } from '../proxy/systems/customer-aws.ts'

/** Where the records go. */
export type Destination = Readonly<{
  fromLabel: string
  toLabel: string
  env: Record<string, string>
  /** @returns id of the verified KEK. */
  register: (api: ManagementApi) => Promise<string>
}>

/** A KEK in another account of the emulated AWS. */
export async function addDestination(
  _stack: AsyncDisposableStack,
  { env }: CustomerAws,
): Promise<Destination> {
  const command = connectAwsEmulator(env['AWS_ENDPOINT_URL_KMS'] ?? '')
  const principal = env['HASP_AWS_PRINCIPAL_ARN'] ?? ''
  const { accountId } = await command('create-account', {})
  const { arn: roleArn } = await command('create-role', {
    accountId,
    name: 'hasp-lends',
    trustPolicy: trust(principal, 'nobody-yet'),
  })
  const { keyArn } = await command('create-key', { accountId })
  return {
    fromLabel: 'AWS KMS',
    toLabel: 'AWS KMS of another account',
    env: {},
    async register(api) {
      const kek = await api('POST', '/keks', { name: 'destination', provider: 'aws', keyArn, roleArn })
      const { id: orgId } = await api('GET', '/organisation')
      // The API's schema promises `access` of a KEK in AWS to be an object with an externalId.
      const { externalId } = kek['access'] as { externalId: string }
      await command('put-trust-policy', { roleArn, trustPolicy: trust(principal, externalId) })
      const ofOrg = { StringEquals: { 'kms:EncryptionContext:hasp:org': String(orgId) } }
      const policies = [
        allow({ Action: ['kms:Encrypt', 'kms:Decrypt'], Resource: keyArn, Condition: ofOrg }),
        allow({ Action: 'kms:DescribeKey', Resource: keyArn }),
      ]
      await command('put-policies', { principalArn: roleArn, policies })
      const verification = await api('POST', `/keks/${String(kek['id'])}/verify`)
      if (verification['isPassed'] !== true) throw new Error(JSON.stringify(verification))
      return String(kek['id'])
    },
  }
}

function allow(statement: object) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] }
}

function trust(principalArn: string, externalId: string) {
  return allow({
    Principal: { AWS: principalArn },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': externalId } },
  })
}
