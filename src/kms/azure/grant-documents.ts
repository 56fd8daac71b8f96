import type { GrantDocument } from '#kms/kek-grant-linter.ts'
import { azureClouds } from './clouds.ts'
import type { AzureKeyId } from './key-id.ts'
import { OWNER_TAG } from './owner-tag.ts'

/** What the customer is to grant, ready to paste. */
type AzureGrant = Readonly<{
  summary: string
  documents: readonly GrantDocument[]
  terraform: GrantDocument
  cli: GrantDocument
  logCheck: string
}>

type GrantInput = Readonly<{
  keyId: AzureKeyId
  tenantId: string
  /** Hasp's multi-tenant application. */
  clientId: string
  /** The word that proves the owner of the key. */
  ownerNonce: string
}>

/** The least that wraps and unwraps: these and reading the key's attributes, on this one key. */
const ROLES = {
  vault: {
    name: 'Key Vault Crypto Service Encryption User',
    id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6',
  },
  'managed-hsm': {
    name: 'Managed HSM Crypto Service Encryption User',
    id: '33413926-3206-4cdd-b39a-83574fe37a17',
  },
} as const

/** Consent, and one role on one key: what lets Hasp wrap and unwrap, and do nothing else. */
export function azureGrantDocuments(input: GrantInput): AzureGrant {
  const { keyId, tenantId, clientId } = input
  const role = ROLES[keyId.store.kind]
  const consentUrl = `${azureClouds[keyId.cloud].authorityHost}/${tenantId}/adminconsent?client_id=${clientId}`
  return {
    summary: `Let an administrator of the tenant consent to Hasp’s application, assign it the role “${role.name}” on this key alone, and put the tag on the key’s version, which shows that it is yours. Then turn on the diagnostic setting that logs every use of the key: without one Azure logs nothing.`,
    documents: [
      { title: 'Consent', body: consentUrl },
      { title: 'Role assignment', body: JSON.stringify(roleAssignment(keyId, role), null, 2) },
      { title: 'Tag of the key', body: JSON.stringify({ [OWNER_TAG]: input.ownerNonce }, null, 2) },
    ],
    terraform: terraformOf(input),
    cli: { title: 'Azure CLI', body: cliOf(input, role.name) },
    logCheck: `az monitor diagnostic-settings list --resource "${resourceIdQuery(keyId)}" must show a setting with category AuditEvent enabled: without one Azure logs nothing. Within 10 minutes of this verification its log then has the calls (KeyWrap, KeyUnwrap), each under its correlationId.`,
  }
}

function roleAssignment({ store, host, name }: AzureKeyId, role: { id: string; name: string }) {
  const storeName = storeNameOf(host)
  return {
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${role.id}`,
    roleName: role.name,
    principalType: 'ServicePrincipal',
    principalId: '<object id of Hasp’s service principal in your tenant>',
    scope:
      store.kind === 'vault'
        ? `/subscriptions/<subscription>/resourceGroups/<group>/providers/Microsoft.KeyVault/vaults/${storeName}/keys/${name}`
        : `/keys/${name}`,
  }
}

/** The same grant as a call of the module in terraform/azure-kek. */
function terraformOf({ keyId, clientId, ownerNonce }: GrantInput): GrantDocument {
  const isVault = keyId.store.kind === 'vault'
  return {
    title: 'Terraform',
    body: `# The module is terraform/azure-kek of Hasp’s repository: copy it beside this file.
module "hasp_kek" {
  source = "./azure-kek"

  hasp_client_id = ${JSON.stringify(clientId)}
  ${isVault ? 'key_vault_id  ' : 'managed_hsm_id'} = "<resource id of ${storeNameOf(keyId.host)}>"
  key_name       = ${JSON.stringify(keyId.name)}
  owner_nonce    = ${JSON.stringify(ownerNonce)}
}`,
  }
}

function cliOf({ keyId, tenantId, clientId, ownerNonce }: GrantInput, role: string): string {
  const { store, host, name } = keyId
  const storeName = storeNameOf(host)
  const assign =
    store.kind === 'vault'
      ? `az role assignment create --role "${role}" --assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal --scope "${resourceIdQuery(keyId)}/keys/${name}"`
      : `az keyvault role assignment create --hsm-name ${storeName} --role "${role}" --assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal --scope /keys/${name}`
  return `az login --tenant ${tenantId}
az ad sp create --id ${clientId} 2>/dev/null || true
PRINCIPAL=$(az ad sp show --id ${clientId} --query id --output tsv)
${assign}
az keyvault key set-attributes --id ${keyId.id} --tags ${OWNER_TAG}=${ownerNonce}
az monitor diagnostic-settings create --name hasp --resource "${resourceIdQuery(keyId)}" --workspace "$LOG_WORKSPACE_ID" --logs '[{"category":"AuditEvent","enabled":true}]'`
}

function resourceIdQuery({ store, host }: AzureKeyId): string {
  const selector = store.kind === 'vault' ? '--name' : '--hsm-name'
  return `$(az keyvault show ${selector} ${storeNameOf(host)} --query id --output tsv)`
}

function storeNameOf(host: string): string {
  return host.slice(0, host.indexOf('.'))
}
