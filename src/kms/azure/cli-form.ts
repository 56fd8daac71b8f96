import type { GrantDocument } from '#kms/kek-grant-linter.ts'
import type { AzureGrantInput } from './grant-documents.ts'
import type { AzureKeyId } from './key-id.ts'
import { OWNER_TAG } from './owner-tag.ts'
import { ROLES } from './roles.ts'
import { showStore, storeNameOf, WORKSPACE } from './store-commands.ts'

const API_VERSION = '7.4'

/**
 * The same grant as commands of the Azure CLI, which may be run again: what is there already is left. Whether it is
 * there is asked by `list`, which fails for nothing but real errors.
 */
export function azureCliForm({ keyId, tenantId, clientId, ownerNonce }: AzureGrantInput): GrantDocument {
  return {
    title: 'Azure CLI',
    body: `az login --tenant ${tenantId}

# Consent: makes Hasp’s application known in your tenant, without any right.
PRINCIPAL=$(az ad sp list --filter "appId eq '${clientId}'" --query '[0].id' --output tsv) &&
  { [ -n "$PRINCIPAL" ] || PRINCIPAL=$(az ad sp create --id ${clientId} --query id --output tsv); }

# The role, on this key alone.
${assignRole(keyId)}

# The tag on the version of the key, which shows that it is yours. Its other tags stay: Azure replaces all of them at
# once, so they are read and given along.
VERSION_URL='${keyId.id}?api-version=${API_VERSION}'
TAGS=$(az rest --method get --resource ${keyId.resource} --url "$VERSION_URL" --output json \\
  --query '{tags: merge(tags || \`{}\`, \`{"${OWNER_TAG}": "${ownerNonce}"}\`)}') &&
az rest --method patch --resource ${keyId.resource} --url "$VERSION_URL" --body "$TAGS" --output none

# The log: Azure logs no use of a key without a diagnostic setting. Replace <…> by the workspace that it is to go to.
# This lists yours: az monitor log-analytics workspace list --query '[].id' --output tsv
LOG_WORKSPACE_ID='${WORKSPACE}'
az monitor diagnostic-settings create --name hasp --resource "$(${showStore(keyId)})" \\
  --workspace "$LOG_WORKSPACE_ID" --logs '[{"category": "AuditEvent", "enabled": true}]'`,
  }
}

/** Of a vault, Azure itself takes the same assignment twice; of an HSM, each would be another. */
function assignRole(keyId: AzureKeyId): string {
  const { store, host, name } = keyId
  const role = ROLES[store.kind].name
  const whom = '--assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal'
  if (store.kind === 'vault') {
    return `az role assignment create --scope "$(${showStore(keyId)})/keys/${name}" \\
  --role "${role}" ${whom}`
  }
  const hsm = `--hsm-name ${storeNameOf(host)}`
  return `ASSIGNED=$(az keyvault role assignment list ${hsm} --scope /keys/${name} --output tsv \\
  --query "[?principalId=='$PRINCIPAL' && roleName=='${role}'].id") &&
  { [ -n "$ASSIGNED" ] || az keyvault role assignment create ${hsm} --scope /keys/${name} \\
    --role "${role}" ${whom}; }`
}
