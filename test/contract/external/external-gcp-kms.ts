import { setTimeout as sleep } from 'node:timers/promises'
import { GcpClients, type GcpDeployment } from '#kms/gcp/gcp-clients.ts'
import { GcpKekProvider } from '#kms/gcp/gcp-kek-provider.ts'
import type { GoogleKms } from '../gcp-kms.behaviour.ts'
import type { KekHarness } from '../kek-provider.contract.ts'

const pollMs = 1_000
/** Google: "usually within a minute, exceptionally several hours". */
const effectMsMax = 300_000

type Options = Readonly<{
  keyName: string
  foreignKeyName: string
  /** Of the REST API, for what an owner does: `https://cloudkms.googleapis.com`. */
  restUrl: string
  deployment: GcpDeployment
}>

/**
 * Two keys that exist already (Google's can not be deleted), used by every test in turn. The credentials must be
 * allowed to use them and to enable and disable their versions; the primary version is enabled at the end.
 */
export function openExternalGcpKms({ deployment, foreignKeyName, keyName, restUrl }: Options) {
  const clients = new GcpClients(deployment)
  const asOwner: GoogleKms['asOwner'] = async (verb, path, body) => {
    const { token } = await clients.ownToken.current()
    const reply = await fetch(`${restUrl}/v1/${path}`, {
      method: verb,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: reply.status, body: await reply.json() }
  }
  const isServed = async (): Promise<boolean> => {
    const encrypted = await asOwner('POST', `${keyName}:encrypt`, { plaintext: 'AAAA' })
    if (encrypted.status !== 200) return false
    const { ciphertext } = encrypted.body
    return (await asOwner('POST', `${keyName}:decrypt`, { ciphertext })).status === 200
  }
  const setState = async (state: 'ENABLED' | 'DISABLED') => {
    const { body } = await asOwner('GET', keyName)
    const changed = await asOwner('PATCH', `${body.primary.name}?updateMask=state`, { state })
    if (changed.status !== 200) throw new Error(JSON.stringify(changed.body))
    const deadline = Date.now() + effectMsMax
    while ((await isServed()) !== (state === 'ENABLED')) {
      if (Date.now() > deadline)
        throw new Error(`The KMS did not follow a change of state in ${effectMsMax} ms.`)
      await sleep(pollMs)
    }
  }
  const provider = (name: string) => new GcpKekProvider({ keyName: name, federation: null }, clients)
  return {
    startKms: async (): Promise<GoogleKms> => ({
      keyName,
      asOwner,
      effectMsMax,
      [Symbol.asyncDispose]: () => setState('ENABLED'),
    }),
    async startKek(): Promise<KekHarness> {
      return {
        makeProvider: async () => provider(keyName),
        makeForeignProvider: async () => provider(foreignKeyName),
        revoke: () => setState('DISABLED'),
        restore: () => setState('ENABLED'),
        [Symbol.asyncDispose]: () => setState('ENABLED'),
      }
    },
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  }
}
