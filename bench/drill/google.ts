import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startGoogleEmulator } from '#emulators/google/google-emulator.ts'
import { OneAtATime, type Cloud } from './cloud.ts'

/** Google: the key version disabled over REST by the owner of the customer's project. */
export async function startGoogle(stack: AsyncDisposableStack, directory: string): Promise<Cloud> {
  const emulator = stack.use(await startGoogleEmulator())
  const { control } = emulator
  control.createProject({ projectId: 'hasp-service' })
  const own = control.createServiceAccount({ projectId: 'hasp-service', name: 'hasp-runs' })
  const credentialsFile = join(directory, 'gcp-credentials.json')
  const caFile = join(directory, 'gcp-ca.pem')
  await writeFile(credentialsFile, JSON.stringify(own.keyFile), { mode: 0o600 })
  await writeFile(caFile, emulator.ca)
  const turn = new OneAtATime()
  let customers = 0
  return {
    name: 'Google Cloud KMS',
    env: {
      HASP_GCP_CREDENTIALS_FILE: credentialsFile,
      HASP_GCP_SERVICE_ACCOUNT: own.email,
      HASP_GCP_SERVICE_ACCOUNT_ID: own.uniqueId,
      HASP_GCP_KMS_ENDPOINT: emulator.grpcEndpoint,
      HASP_GCP_AUTH_ENDPOINT: emulator.url,
      HASP_GCP_CA_FILE: caFile,
    },
    async newKey(api, rules) {
      customers += 1
      const projectId = `customer-${customers}`
      const { ownerToken, projectNumber } = control.createProject({ projectId })
      control.logDataAccess({ projectId })
      const { keyName } = control.createKey({ projectId, cryptoKey: 'kek' })
      const identityProvider = `projects/${projectNumber}/locations/global/workloadIdentityPools/hasp-pool/providers/hasp`
      const kek = await api('POST', '/keks', { provider: 'gcp', keyName, identityProvider, ...rules })
      // Both are Google's own shapes, which the emulator takes.
      control.createIdentityProvider(
        documentIn(kek, 'Provider') as Parameters<typeof control.createIdentityProvider>[0],
      )
      const binding = documentIn(kek, 'Binding') as Parameters<typeof control.addBinding>[0]['binding']
      control.addBinding({ resource: keyName, binding })
      const setState = (state: string, effectDelayMs: number) =>
        turn.do(async () => {
          control.setDelays({ effectDelayMs })
          const version = `${emulator.url}/v1/${keyName}/cryptoKeyVersions/1?updateMask=state`
          const reply = await fetch(version, {
            method: 'PATCH',
            headers: { authorization: `Bearer ${ownerToken}`, 'content-type': 'application/json' },
            body: JSON.stringify({ state }),
          })
          control.setDelays({ effectDelayMs: 0 })
          if (!reply.ok) throw new Error(await reply.text())
        })
      const drilled = {
        withdraw: (delayMs: number) => setState('DISABLED', delayMs),
        restore: () => setState('ENABLED', 0),
      }
      return { kekId: String(kek['id']), drilled }
    },
  }
}

/** One of the documents that Hasp asks the customer to put in place. */
function documentIn(kek: Readonly<Record<string, unknown>>, title: string): unknown {
  // The API's schema promises the documents.
  const { documents } = kek['grant'] as { documents: { title: string; body: string }[] }
  const body = documents.find((document) => document.title.startsWith(title))?.body
  return JSON.parse(body ?? 'null')
}
