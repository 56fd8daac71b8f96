import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  KMSClient,
  KMSServiceException,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsClients } from '#kms/aws/aws-clients.ts'
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import type { KekHarness } from '../kek-provider.contract.ts'

const pollMs = 1_000
const effectMsMax = 300_000

/**
 * Two keys in the KMS at `endpoint`, made once and used by every test in turn; their deletion is scheduled at the end.
 * The credentials are the SDK's own chain; they must be allowed to make, use, disable and delete keys.
 */
export async function openExternalKms({ endpoint, region }: { endpoint: string; region: string }) {
  const kms = new KMSClient({ endpoint, region })
  const { provided, foreign } = { provided: await createKey(kms), foreign: await createKey(kms) }
  const restore = async () => {
    // Each of the two fails where there is nothing to take back.
    await kms.send(new CancelKeyDeletionCommand({ KeyId: provided })).catch(() => {})
    await kms.send(new EnableKeyCommand({ KeyId: provided }))
    await untilServed(kms, provided, true)
  }
  const scheduleDeletion = (arn: string) =>
    kms.send(new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: 7 }))
  return {
    async startKek(dekTransport: 'bytes' | 'sdk'): Promise<KekHarness> {
      const clients = new AwsClients({ kmsEndpoint: () => endpoint, dekTransport })
      const provider = (keyArn: string) =>
        new AwsKekProvider({ kekId: 'external', keyArn, roleArn: null, externalId: 'unused' }, clients)
      return {
        makeProvider: async () => provider(provided),
        makeForeignProvider: async () => provider(foreign),
        async revoke() {
          await kms.send(new DisableKeyCommand({ KeyId: provided }))
          await untilServed(kms, provided, false)
        },
        restore,
        faults: [
          {
            name: 'a key pending deletion',
            kind: 'revoked',
            async inject() {
              await scheduleDeletion(provided)
              await untilServed(kms, provided, false)
            },
          },
        ],
        async [Symbol.asyncDispose]() {
          await clients[Symbol.asyncDispose]()
          await restore()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      for (const arn of [provided, foreign]) await scheduleDeletion(arn)
      kms.destroy()
    },
  }
}

async function createKey(kms: KMSClient): Promise<string> {
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({ Description: 'hasp contract suite: may be deleted' }),
  )
  const arn = KeyMetadata?.Arn
  if (arn === undefined) throw new Error('CreateKey answered without an ARN.')
  await untilServed(kms, arn, true)
  return arn
}

/** Waits until encryption and decryption under the key are served, or both refused. */
async function untilServed(kms: KMSClient, arn: string, isServed: boolean): Promise<void> {
  const deadline = Date.now() + effectMsMax
  while ((await serves(kms, arn)) !== isServed) {
    if (Date.now() > deadline)
      throw new Error(`The KMS did not follow a change of key state in ${effectMsMax} ms.`)
    await sleep(pollMs)
  }
}

async function serves(kms: KMSClient, arn: string): Promise<boolean> {
  try {
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: arn, Plaintext: Buffer.alloc(32) }))
    await kms.send(new DecryptCommand({ KeyId: arn, CiphertextBlob }))
    return true
  } catch (error) {
    if (error instanceof KMSServiceException && error.$fault === 'client') return false
    throw error
  }
}
