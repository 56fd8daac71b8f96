import { KMSClient } from '@aws-sdk/client-kms'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { startAwsEmulator, type AwsEmulator, type AwsEmulatorOptions } from '#emulators/aws/aws-emulator.ts'

export const CUSTOMER = '111122223333'
export const VENDOR = '444455556666'
export const EXTERNAL_ID = 'hasp-ext-7f3a'
const REGION = 'eu-central-1'

type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }

/**
 * A customer's account with a key and a role, and a vendor's account with a user that may assume the role: the
 * arrangement that Hasp asks customers for.
 */
export class TwoAccounts implements AsyncDisposable {
  readonly emulator: AwsEmulator
  readonly keyArn: string
  readonly roleArn: string
  readonly vendorArn: string
  readonly vendor: Credentials
  /** The customer's administrator (its account root). */
  readonly owner: KMSClient

  private constructor(emulator: AwsEmulator) {
    const { control } = emulator
    this.emulator = emulator
    this.owner = this.kms(control.createAccount({ accountId: CUSTOMER }).accessKey)
    control.createAccount({ accountId: VENDOR })
    const vendor = control.createUser({
      accountId: VENDOR,
      name: 'hasp',
      policies: [allow(['sts:AssumeRole', 'kms:*'], '*')],
    })
    this.vendorArn = vendor.arn
    this.vendor = vendor.accessKey
    this.roleArn = control.createRole({
      accountId: CUSTOMER,
      name: 'hasp-kek',
      trustPolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: vendor.arn },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } },
          },
        ],
      },
      policies: [allow(['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'], '*')],
    }).arn
    this.keyArn = control.createKey({ accountId: CUSTOMER, region: REGION }).keyArn
  }

  static async start(options: AwsEmulatorOptions = {}): Promise<TwoAccounts> {
    return new TwoAccounts(await startAwsEmulator(options))
  }

  kms(credentials: Credentials, region = REGION): KMSClient {
    return new KMSClient({ endpoint: this.emulator.url, region, credentials, maxAttempts: 1 })
  }

  sts(credentials: Credentials): STSClient {
    return new STSClient({ endpoint: this.emulator.url, region: REGION, credentials, maxAttempts: 1 })
  }

  /** Credentials of the customer's role, as the vendor gets them. */
  async assumeRole(options: { sessionName?: string; policy?: object } = {}): Promise<Credentials> {
    const reply = await this.sts(this.vendor).send(
      new AssumeRoleCommand({
        RoleArn: this.roleArn,
        RoleSessionName: options.sessionName ?? 'hasp-test',
        ExternalId: EXTERNAL_ID,
        ...(options.policy && { Policy: JSON.stringify(options.policy) }),
      }),
    )
    return {
      accessKeyId: reply.Credentials?.AccessKeyId ?? '',
      secretAccessKey: reply.Credentials?.SecretAccessKey ?? '',
      sessionToken: reply.Credentials?.SessionToken ?? '',
    }
  }

  /** A KMS client that speaks as the customer's role. */
  async roleKms(): Promise<KMSClient> {
    return this.kms(await this.assumeRole())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator.stop()
  }
}

export function allow(
  actions: string | string[],
  resource: string,
  condition?: object,
): { Statement: object[] } {
  return {
    Statement: [
      { Effect: 'Allow', Action: actions, Resource: resource, ...(condition && { Condition: condition }) },
    ],
  }
}

/** The AWS error of a call that must fail. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ name: string; message: string; status: number | undefined }> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(outcome instanceof Error)) throw new Error('The call was expected to be refused.')
  const metadata: unknown = '$metadata' in outcome ? outcome.$metadata : undefined
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined
  return {
    name: outcome.name,
    message: outcome.message,
    status: typeof status === 'number' ? status : undefined,
  }
}
