import { DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'
import { ownPolicies, trust, wrapAndUnwrap } from '../hasp/aws-policies.ts'
import { OneAtATime, type Cloud } from './cloud.ts'

/** AWS: `DisableKey` by the root of the customer's account. */
export async function startAws(stack: AsyncDisposableStack): Promise<Cloud> {
  const region = 'eu-central-1'
  const emulator = stack.use(await startAwsEmulator({ region }))
  const { control, url } = emulator
  const turn = new OneAtATime()
  const own = control.createUser({
    accountId: control.createAccount().accountId,
    name: 'hasp',
    policies: ownPolicies,
  })
  return {
    name: 'AWS KMS',
    env: {
      HASP_AWS_PRINCIPAL_ARN: own.arn,
      AWS_ENDPOINT_URL_KMS: url,
      AWS_ENDPOINT_URL_STS: url,
      AWS_ACCESS_KEY_ID: own.accessKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: own.accessKey.secretAccessKey,
    },
    async newKey(api, rules) {
      const { accountId, accessKey } = control.createAccount()
      const { arn: roleArn } = control.createRole({
        accountId,
        name: 'hasp-lends',
        trustPolicy: trust(own.arn, 'nobody-yet'),
      })
      const { keyArn } = control.createKey({ accountId })
      const kek = await api('POST', '/keks', { provider: 'aws', keyArn, roleArn, ...rules })
      const { id: orgId } = await api('GET', '/organisation')
      // The API's schema promises `access` of a KEK in AWS to be an object with an externalId.
      const { externalId } = kek['access'] as { externalId: string }
      const policies = wrapAndUnwrap(keyArn, String(orgId))
      await turn.do(async () => {
        control.putTrustPolicy({ roleArn, trustPolicy: trust(own.arn, externalId) })
        control.putPolicies({ principalArn: roleArn, policies })
      })
      const kms = new KMSClient({ endpoint: url, region, credentials: accessKey, maxAttempts: 1 })
      stack.defer(() => kms.destroy())
      const drilled = {
        withdraw: (effectDelayMs: number) =>
          turn.do(async () => {
            control.setEffectDelay({ effectDelayMs })
            await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
            control.setEffectDelay({ effectDelayMs: 0 })
          }),
        restore: () => turn.do(async () => void (await kms.send(new EnableKeyCommand({ KeyId: keyArn })))),
      }
      return { kekId: String(kek['id']), drilled }
    },
  }
}
