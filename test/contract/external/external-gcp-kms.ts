import { setTimeout as sleep } from 'node:timers/promises'
import { GcpClients, type GcpDeployment } from '#kms/gcp/gcp-clients.ts'
import { GcpKekProvider } from '#kms/gcp/gcp-kek-provider.ts'
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
  const asOwner = async (verb: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const { token } = await clients.ownToken.current()
    const reply = await fetch(`${restUrl}/v1/${path}`, {
      method: verb,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await reply.json()) as Record<string, unknown>
    if (!reply.ok) throw new Error(`${verb} ${path}: ${JSON.stringify(answer)}`)
    return answer
  }
  const isServed = async (): Promise<boolean> => {
    try {
      const { ciphertext } = await asOwner('POST', `${keyName}:encrypt`, { plaintext: 'AAAA' })
      await asOwner('POST', `${keyName}:decrypt`, { ciphertext })
      return true
    } catch (error) {
      if (String(error).includes('FAILED_PRECONDITION')) return false
      throw error
    }
  }
  const setState = async (state: 'ENABLED' | 'DISABLED') => {
    const { primary } = await asOwner('GET', keyName)
    const version = (primary as { name: string }).name
    await asOwner('PATCH', `${version}?updateMask=state`, { state })
    const deadline = Date.now() + effectMsMax
    while ((await isServed()) !== (state === 'ENABLED')) {
      if (Date.now() > deadline)
        throw new Error(`The KMS did not follow a change of state in ${effectMsMax} ms.`)
      await sleep(pollMs)
    }
  }
  const provider = (name: string) => new GcpKekProvider({ keyName: name, federation: null }, clients)
  return {
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
