import { DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import type { AwsEmulator } from '#emulators/aws/aws-emulator.ts'
import type { CloudTrailRecord } from '#emulators/aws/trail/record.ts'
import type { Kek } from '#cli/api/replies.ts'

/** The organisation that owns the padlock: an AWS account of its own, and somebody with rights in it. */
export type Customer = Disposable &
  Readonly<{
    accountId: string
    keyArn: string
    roleArn: string
    /** Puts what Hasp asked for in place: both policies of the role. */
    grant: (documents: GrantDocuments) => void
    /** One call of AWS's own API. @returns when it answered, in the time of `performance.now()`. */
    disableKey: () => Promise<number>
    enableKey: () => Promise<number>
    /** What the customer's CloudTrail holds of its key's unwraps. */
    decrypts: () => CloudTrailRecord[]
    /** Never to be printed. */
    secret: string
  }>

type GrantDocuments = NonNullable<Kek['grant']>['documents']

/** Opens an account with a KMS key, and a role that nobody may assume yet. */
export function openCustomerAccount({ control, url }: AwsEmulator, region: string): Customer {
  const { accountId, accessKey, rootArn } = control.createAccount()
  const { keyArn } = control.createKey({ accountId, description: 'padlock of the demo' })
  const { arn: roleArn } = control.createRole({
    accountId,
    name: 'hasp-lends',
    trustPolicy: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: rootArn }, Action: 'sts:AssumeRole' }],
    },
  })
  const kms = new KMSClient({ endpoint: url, region, credentials: accessKey, maxAttempts: 1 })
  return {
    accountId,
    keyArn,
    roleArn,
    secret: accessKey.secretAccessKey,
    grant(documents) {
      control.putTrustPolicy({ roleArn, trustPolicy: bodyOf(documents, /^Trust policy/) })
      control.putPolicies({ principalArn: roleArn, policies: [bodyOf(documents, /^Permissions policy/)] })
    },
    async disableKey() {
      await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
      return performance.now()
    },
    async enableKey() {
      await kms.send(new EnableKeyCommand({ KeyId: keyArn }))
      return performance.now()
    },
    decrypts: () => control.events({ accountId, eventName: 'Decrypt' }),
    [Symbol.dispose]: () => kms.destroy(),
  }
}

function bodyOf(documents: GrantDocuments, title: RegExp): string {
  const found = documents.find((document) => title.test(document.title))
  if (found === undefined) throw new Error(`Hasp's grant has no document ${title.source}.`)
  return found.body
}
