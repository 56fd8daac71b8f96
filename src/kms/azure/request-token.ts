import { ClientAssertionCredential, ClientSecretCredential, type TokenCredential } from '@azure/identity'
import type { Dispatcher } from 'undici'
import { KekFault } from '#kms/kek-fault.ts'
import { EntraRefusal } from './azure-refusal.ts'
import { entraFaultOf, isAboutApplication, noApplicationFault, ownApplicationFault } from './entra-faults.ts'
import { readEntraRefusal } from './read-entra-refusal.ts'
import { type Exchanged, SdkHttpClient } from './sdk-http-client.ts'
import type { OwnApplication } from './own-application.ts'
import type { VaultToken } from './token-session.ts'
import { transportFault } from './transport-faults.ts'

type Deps = Readonly<{
  application: OwnApplication | undefined
  authorityHost: string
  dispatcher: Dispatcher
  timeoutMs: number
}>

type Wanted = Readonly<{ tenantId: string; scope: string; homeTenantId: string | undefined }>

/**
 * A token for our application in a customer's tenant. Entra says the same when the customer withdrew consent and
 * when our own application is gone; the home tenant, where it is known, is asked before it is called the former.
 *
 * @throws {KekFault}
 */
export async function requestToken(deps: Deps, wanted: Wanted): Promise<VaultToken> {
  try {
    return await askEntra(deps, wanted)
  } catch (error) {
    if (!(error instanceof EntraRefusal)) throw error
    const { homeTenantId } = wanted
    if (isAboutApplication(error) && homeTenantId !== undefined && homeTenantId !== wanted.tenantId) {
      await confirmOwnApplication(deps, { ...wanted, tenantId: homeTenantId })
    }
    throw entraFaultOf(error)
  }
}

async function confirmOwnApplication(deps: Deps, atHome: Wanted): Promise<void> {
  try {
    await askEntra(deps, atHome)
  } catch (error) {
    if (error instanceof EntraRefusal && isAboutApplication(error)) throw ownApplicationFault(error)
    if (error instanceof KekFault) throw error
    // Refused for another reason, so the application is known there: the customer's answer stands.
  }
}

/** @throws {EntraRefusal} when Entra answers with an error; {KekFault} when it gives no readable answer. */
async function askEntra(deps: Deps, { tenantId, scope }: Wanted): Promise<VaultToken> {
  const { application, authorityHost, dispatcher, timeoutMs } = deps
  if (application === undefined) throw noApplicationFault()
  let last: Exchanged | KekFault | undefined
  const httpClient = new SdkHttpClient(dispatcher, {
    timeoutMs,
    origin: new URL(authorityHost).origin,
    onExchange: (exchanged) => {
      last = exchanged
    },
  })
  const proof = await readProof(application)
  const credential = credentialOf(application, proof, tenantId, {
    authorityHost,
    httpClient,
    // The authority is pinned: nobody else is asked whether it is one.
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  })
  try {
    const { token, expiresOnTimestamp } = (await credential.getToken(scope)) ?? { token: '' }
    if (token === '' || expiresOnTimestamp === undefined) throw transportFault('malformed-reply')
    return { token, expiresAtMs: expiresOnTimestamp }
  } catch (error) {
    // Nothing of the SDK's error is kept: it quotes the request and the reply.
    if (error instanceof KekFault) throw error
    if (last instanceof KekFault) throw last
    throw last === undefined ? transportFault('malformed-reply') : readEntraRefusal(last)
  }
}

type CredentialOptions = ConstructorParameters<typeof ClientAssertionCredential>[3]

function credentialOf(
  { kind, clientId }: OwnApplication,
  proof: string,
  tenantId: string,
  options: CredentialOptions,
): TokenCredential {
  return kind === 'assertion'
    ? new ClientAssertionCredential(tenantId, clientId, async () => proof, options)
    : new ClientSecretCredential(tenantId, clientId, proof, options)
}

async function readProof(application: OwnApplication): Promise<string> {
  try {
    return application.kind === 'assertion'
      ? await application.readAssertion()
      : await application.readSecret()
  } catch {
    // The file's path is the operator's business, not the customer's.
    throw noApplicationFault()
  }
}
