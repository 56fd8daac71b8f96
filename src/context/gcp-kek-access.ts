import type { Config } from '#config/load-config.ts'
import type { KekAccessKind } from '#keks/access.ts'
import { nonceOfKek } from '#keks/ownership.ts'
import type { GcpClients, GcpDeployment } from '#kms/gcp/gcp-clients.ts'
import { gcpGrantDocuments, newGcpAudience } from '#kms/gcp/grant-documents.ts'
import { parseIdentityProviderName } from '#kms/gcp/identity-provider-name.ts'
import { parseGcpKeyName } from '#kms/gcp/key-name.ts'
import { GcpGrantLinter } from '#kms/gcp/lint-grant.ts'
import { KekFault } from '#kms/kek-fault.ts'

/** Who Hasp is to Google: what customers are asked to grant names both. */
type OwnAccount = Readonly<{ email: string | undefined; uniqueId: string | undefined }>

/** KEKs in Google Cloud KMS, reached by an identity in the customer's own pool or by Hasp's service account. */
export function gcpKekAccess({ email, uniqueId }: OwnAccount, clients: GcpClients): KekAccessKind {
  return {
    kind: 'gcp',
    async prepare({ identityProvider, keyName }) {
      if (keyName === undefined) {
        throw new KekFault(
          'misconfigured',
          'key-name-missing',
          'Give keyName: projects/…/locations/…/keyRings/…/cryptoKeys/….',
        )
      }
      const { name } = parseGcpKeyName(keyName)
      if (identityProvider !== undefined) parseIdentityProviderName(identityProvider)
      return {
        kekRef: name,
        access: {
          provider: 'gcp',
          keyName: name,
          identityProvider: identityProvider ?? null,
          audience: newGcpAudience(),
        },
      }
    },
    openLinter({ access }) {
      if (access.provider !== 'gcp') throw new Error('Not a KEK in Google Cloud KMS.')
      const { audience, identityProvider, keyName } = access
      const federation = identityProvider === null ? null : { identityProvider, audience }
      return new GcpGrantLinter({ keyName, federation }, clients)
    },
    grantFor(access, _orgId, kekId) {
      if (access.provider !== 'gcp') throw new Error('Not a KEK in Google Cloud KMS.')
      const { audience, identityProvider, keyName } = access
      return gcpGrantDocuments({
        keyName,
        identityProvider,
        audience,
        ownerNonce: nonceOfKek(kekId),
        serviceAccount: email ?? '<e-mail of the service account that Hasp runs as: ask its operator>',
        subject: uniqueId ?? '<unique id of the service account that Hasp runs as: ask its operator>',
      })
    },
  }
}

/** How the operator's settings say that Google is to be reached. */
export function gcpDeployment(config: Config): GcpDeployment {
  return {
    credentialsFile: config.gcpCredentialsFile,
    kmsEndpoint: config.gcpKmsEndpoint,
    isRegional: config.gcpRegionalEndpoints,
    universeDomain: config.gcpUniverseDomain,
    authEndpoint: config.gcpAuthEndpoint,
    caFile: config.gcpCaFile,
  }
}
