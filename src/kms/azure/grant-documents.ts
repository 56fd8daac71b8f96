import type { GrantDocument, LogCheck } from '#kms/kek-grant-linter.ts'
import { azureCliForm } from './cli-form.ts'
import { azureClouds } from './clouds.ts'
import type { AzureKeyId } from './key-id.ts'
import { OWNER_TAG } from './owner-tag.ts'
import { ROLES } from './roles.ts'
import { showStore, storeNameOf, WORKSPACE } from './store-commands.ts'

/** What the customer is to grant, ready to paste. */
type AzureGrant = Readonly<{
  summary: string
  documents: readonly GrantDocument[]
  terraform: GrantDocument
  cli: GrantDocument
  logCheck: LogCheck
}>

export type AzureGrantInput = Readonly<{
  keyId: AzureKeyId
  tenantId: string
  /** Hasp's multi-tenant application. */
  clientId: string
  /** The word that proves the owner of the key. */
  ownerNonce: string
}>

/** Consent, and one role on one key: what lets Hasp wrap and unwrap, and do nothing else. */
export function azureGrantDocuments(input: AzureGrantInput): AzureGrant {
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
    cli: azureCliForm(input),
    logCheck: {
      command: `az monitor diagnostic-settings list --resource "$(${showStore(keyId)})"`,
      note: 'It must show a setting with the category AuditEvent enabled: without one Azure logs nothing. Within 10 minutes of a verification its log then has the calls (KeyWrap, KeyUnwrap), each under its correlationId.',
    },
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
function terraformOf({ keyId, clientId, ownerNonce }: AzureGrantInput): GrantDocument {
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

  log_analytics_workspace_id = "${WORKSPACE}"
}`,
  }
}
