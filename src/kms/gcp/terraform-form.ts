import type { GrantDocument } from '#kms/kek-grant-linter.ts'
import type { GcpGrantInput } from './grant-documents.ts'
import { parseIdentityProviderName } from './identity-provider-name.ts'
import type { GcpKeyName } from './key-name.ts'

/** The same grant as a call of the module in terraform/gcp-kek. */
export function gcpTerraformForm(input: GcpGrantInput, cryptoKey: GcpKeyName): GrantDocument {
  const { audience, identityProvider, ownerNonce, serviceAccount, subject } = input
  const pool = identityProvider === null ? undefined : parseIdentityProviderName(identityProvider)
  const variables: [name: string, value: string][] = [
    ['project', cryptoKey.project],
    ['location', cryptoKey.location],
    ['key_ring', cryptoKey.keyRing],
    ['crypto_key', cryptoKey.cryptoKey],
    ...(pool === undefined
      ? ([
          ['hasp_service_account', serviceAccount],
          ['owner_nonce', ownerNonce],
        ] as [string, string][])
      : ([
          ['project_number', pool.projectNumber],
          ['pool', pool.pool],
          ['pool_provider', pool.provider],
          ['audience', audience],
          ['hasp_subject', subject],
        ] as [string, string][])),
  ]
  const width = Math.max(...variables.map(([name]) => name.length))
  return {
    title: 'Terraform',
    body: [
      '# The module is terraform/gcp-kek of Hasp’s repository: copy it beside this file.',
      'module "hasp_kek" {',
      '  source = "./gcp-kek"',
      '',
      ...variables.map(([name, value]) => `  ${name.padEnd(width)} = ${JSON.stringify(value)}`),
      '}',
    ].join('\n'),
  }
}
