import { LRUCache } from 'lru-cache'
import type { KekProviders } from '#keks/access.ts'
import type { KekAccess } from '#keks/kek.ts'
import type { AwsClients } from '#kms/aws/aws-clients.ts'
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import type { GcpClients } from '#kms/gcp/gcp-clients.ts'
import { GcpKekProvider } from '#kms/gcp/gcp-kek-provider.ts'
import type { AzureClients } from '#kms/azure/azure-clients.ts'
import { AzureKekProvider } from '#kms/azure/azure-kek-provider.ts'
import { GuardedKekProvider } from '#kms/guarded-kek-provider.ts'
import type { KekProvider } from '#kms/kek-provider.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'
import { localKekRefused } from './local-kek-access.ts'

type Deps = Readonly<{
  aws: AwsClients
  azure: AzureClients
  gcp: GcpClients
  localKekDirectory: string
  /** Whether KEKs in files of this machine may be used at all. */
  isLocalAllowed: boolean
}>

const providersMax = 10_000

/** One guarded provider for each KEK: its breaker, places and session are its own. */
export function openKekProviders(deps: Deps): KekProviders {
  const opened = new LRUCache<string, KekProvider>({ max: providersMax })
  return {
    open(kek) {
      const held = opened.get(kek.id)
      if (held !== undefined) return held
      const provider = new GuardedKekProvider(providerOf(kek.id, kek.access, deps))
      opened.set(kek.id, provider)
      return provider
    },
  }
}

function providerOf(kekId: string, access: KekAccess, deps: Deps): KekProvider {
  switch (access.provider) {
    case 'aws': {
      const { keyArn, roleArn, externalId } = access
      return new AwsKekProvider({ kekId, keyArn, roleArn, externalId }, deps.aws)
    }
    case 'gcp': {
      const { audience, identityProvider, keyName } = access
      const federation = identityProvider === null ? null : { identityProvider, audience }
      return new GcpKekProvider({ keyName, federation }, deps.gcp)
    }
    case 'azure':
      return new AzureKekProvider(access, deps.azure)
    case 'local':
      if (!deps.isLocalAllowed) throw localKekRefused()
      return new LocalKekProvider(deps.localKekDirectory, access.fileId)
  }
}
