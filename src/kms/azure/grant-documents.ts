import type { GrantDocument } from '#kms/kek-grant-linter.ts'
import { azureClouds } from './clouds.ts'
import type { AzureKeyId } from './key-id.ts'

/** What the customer is to grant, ready to paste. */
type AzureGrant = Readonly<{
  summary: string
  documents: readonly GrantDocument[]
  cli: GrantDocument
  logCheck: string
}>

type GrantInput = Readonly<{
  keyId: AzureKeyId
  tenantId: string
  /** Hasp's multi-tenant application. */
  clientId: string
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
    summary: `Let an administrator of the tenant consent to Hasp’s application, and assign it the role “${role.name}” on this key alone. Then turn on the diagnostic setting that logs every use of the key: without one Azure logs nothing.`,
    documents: [
      { title: 'Consent', body: consentUrl },
      { title: 'Role assignment', body: JSON.stringify(roleAssignment(keyId, role), null, 2) },
    ],
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

function cliOf({ keyId, tenantId, clientId }: GrantInput, role: string): string {
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
az monitor diagnostic-settings create --name hasp --resource "${resourceIdQuery(keyId)}" --workspace "$LOG_WORKSPACE_ID" --logs '[{"category":"AuditEvent","enabled":true}]'`
}

function resourceIdQuery({ store, host }: AzureKeyId): string {
  const selector = store.kind === 'vault' ? '--name' : '--hsm-name'
  return `$(az keyvault show ${selector} ${storeNameOf(host)} --query id --output tsv)`
}

function storeNameOf(host: string): string {
  return host.slice(0, host.indexOf('.'))
}
