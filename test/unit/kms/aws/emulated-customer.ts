import { AwsClients, type AwsDeployment } from '#kms/aws/aws-clients.ts'
import { type AwsKek, AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'

export type Shape = 'role' | 'direct'

const KEK_ID = '01980f3e-7a00-7000-8000-000000000003'
export const EXTERNAL_ID = 'hasp-0f3e7a00-external'

/**
 * Hasp's account and a customer's in an emulated AWS, with a KEK granted either way: through a role that demands
 * our ExternalId, or by the key policy to our own principal.
 */
export async function startEmulatedCustomer(deployment: AwsDeployment = {}) {
  const emulator = await startAwsEmulator({ region: 'eu-central-1' })
  const { control } = emulator
  const hasp = control.createAccount()
  const own = control.createUser({
    accountId: hasp.accountId,
    name: 'hasp',
    policies: [allow(['sts:AssumeRole', 'kms:*'])],
  })
  const customer = control.createAccount()
  const role = control.createRole({
    accountId: customer.accountId,
    name: 'hasp-unwrap',
    trustPolicy: trustPolicy(own.arn, EXTERNAL_ID),
    policies: [allow(['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'])],
  })
  const createKey = () =>
    control.createKey({
      accountId: customer.accountId,
      policy: keyPolicy(customer.rootArn, [role.arn, own.arn]),
    })
  const { keyArn } = createKey()
  const clientsOf = (more: AwsDeployment = {}) =>
    new AwsClients({
      kmsEndpoint: () => emulator.url,
      stsEndpoint: () => emulator.url,
      ownCredentials: async () => own.accessKey,
      ...deployment,
      ...more,
    })
  const clients = clientsOf()
  const kekOf = (shape: Shape, arn = keyArn): AwsKek => ({
    kekId: KEK_ID,
    keyArn: arn,
    roleArn: shape === 'role' ? role.arn : null,
    externalId: EXTERNAL_ID,
  })
  return {
    emulator,
    control,
    own,
    customer,
    role,
    keyArn,
    createKey,
    clients,
    clientsOf,
    kekOf,
    provider: (shape: Shape, arn?: string) => new AwsKekProvider(kekOf(shape, arn), clients),
    async [Symbol.asyncDispose]() {
      await clients[Symbol.asyncDispose]()
      await emulator.stop()
    },
  }
}

export function trustPolicy(principalArn: string, externalId: string) {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: principalArn },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': externalId } },
      },
    ],
  }
}

function keyPolicy(rootArn: string, principals: string[]) {
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: rootArn }, Action: 'kms:*', Resource: '*' },
      {
        Effect: 'Allow',
        Principal: { AWS: principals },
        Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'],
        Resource: '*',
      },
    ],
  }
}

export function allow(actions: string[]) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] }
}
