import { readFileSync } from 'node:fs'
import type { Config } from '#config/load-config.ts'
import type { KekAccessKind } from '#keks/access.ts'
import { nonceOfKek } from '#keks/ownership.ts'
import type { AzureClients, AzureDeployment } from '#kms/azure/azure-clients.ts'
import { azureGrantDocuments } from '#kms/azure/grant-documents.ts'
import { parseAzureKeyId, parseTenantId } from '#kms/azure/key-id.ts'
import { AzureGrantLinter } from '#kms/azure/lint-grant.ts'
import { ownApplication } from '#kms/azure/own-application.ts'
import { KekFault } from '#kms/kek-fault.ts'

/** KEKs in Azure Key Vault and Managed HSM, reached as Hasp's multi-tenant application. */
export function azureKekAccess(clients: AzureClients): KekAccessKind {
  return {
    kind: 'azure',
    async prepare({ keyId, tenantId }) {
      if (keyId === undefined) {
        throw new KekFault(
          'misconfigured',
          'key-id-missing',
          'Give keyId: the key identifier with its version, https://VAULT.vault.azure.net/keys/NAME/VERSION.',
        )
      }
      if (tenantId === undefined) {
        throw new KekFault('misconfigured', 'tenant-id-missing', 'Give tenantId: the tenant of the vault.')
      }
      const { id } = parseAzureKeyId(keyId, clients.cloud)
      return { kekRef: id, access: { provider: 'azure', keyId: id, tenantId: parseTenantId(tenantId) } }
    },
    openLinter({ access }) {
      if (access.provider !== 'azure') throw new Error('Not a KEK in Azure.')
      return new AzureGrantLinter({ keyId: access.keyId, tenantId: access.tenantId }, clients)
    },
    grantFor(access, _orgId, kekId) {
      if (access.provider !== 'azure') throw new Error('Not a KEK in Azure.')
      const { keyId, tenantId } = access
      const clientId =
        clients.application?.clientId ?? '<client id of the application that Hasp is: ask its operator>'
      return azureGrantDocuments({
        keyId: parseAzureKeyId(keyId, clients.cloud),
        tenantId,
        clientId,
        ownerNonce: nonceOfKek(kekId),
      })
    },
  }
}

/** What the operator set. @throws {Error} naming the setting, when the file of certificate authorities cannot be read */
export function azureDeployment(config: Config): AzureDeployment {
  const { azureConnectTo: target, azureCaFile } = config
  return {
    cloud: config.azureCloud,
    application: ownApplication({
      clientId: config.azureClientId,
      federatedTokenFile: config.azureFederatedTokenFile,
      clientSecretFile: config.azureClientSecretFile,
    }),
    homeTenantId: config.azureTenantId,
    authorityHost: config.azureAuthorityHost,
    connectTo: target === undefined ? undefined : () => target,
    ca: azureCaFile === undefined ? undefined : readAuthorities(azureCaFile),
  }
}

function readAuthorities(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error('The file in HASP_AZURE_CA_FILE cannot be read.', { cause: error })
  }
}
