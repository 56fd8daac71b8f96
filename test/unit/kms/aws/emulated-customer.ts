import { AwsClients, type AwsDeployment } from '#kms/aws/aws-clients.ts'
import { type AwsKek, AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'

export type Shape = 'role' | 'direct'

const KEK_ID = '01980f3e-7a00-7000-8000-000000000003'
export const EXTERNAL_ID = 'hasp-0f3e7a00-external'

/** Hasp's account and a customer's in an emulated AWS, with nothing granted yet. */
export async function startAwsAccounts(deployment: AwsDeployment = {}) {
  await using stack = new AsyncDisposableStack()
  const emulator = stack.use(await startAwsEmulator({ region: 'eu-central-1' }))
  const { control } = emulator
  const own = control.createUser({
    accountId: control.createAccount().accountId,
    name: 'hasp',
    policies: [allow(['sts:AssumeRole', 'kms:*'])],
  })
  const customer = control.createAccount()
  const clientsOf = (more: AwsDeployment = {}) =>
    new AwsClients({
      kmsEndpoint: () => emulator.url,
      stsEndpoint: () => emulator.url,
      ownCredentials: async () => own.accessKey,
      ...deployment,
      ...more,
    })
  const clients = stack.use(clientsOf())
  const owned = stack.move()
  return {
    emulator,
    control,
    own,
    customer,
    clients,
    clientsOf,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The two accounts with a KEK granted either way: through a role that demands our ExternalId, or to our principal. */
export async function startEmulatedCustomer(deployment: AwsDeployment = {}) {
  const accounts = await startAwsAccounts(deployment)
  const { clients, control, customer, own } = accounts
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
  const kekOf = (shape: Shape, arn = keyArn): AwsKek => ({
    kekId: KEK_ID,
    keyArn: arn,
    roleArn: shape === 'role' ? role.arn : null,
    externalId: EXTERNAL_ID,
  })
  return {
    ...accounts,
    role,
    keyArn,
    createKey,
    kekOf,
    provider: (shape: Shape, arn?: string) => new AwsKekProvider(kekOf(shape, arn), clients),
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

function allow(actions: string[]) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] }
}
