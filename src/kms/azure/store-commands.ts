import type { AzureKeyId } from './key-id.ts'

/** Where the log goes: Azure writes none by itself, and we do not know the customer's. */
export const WORKSPACE = '<resource id of your Log Analytics workspace>'

/** Prints the resource id of the key's vault or HSM. */
export function showStore({ store, host }: AzureKeyId): string {
  const selector = store.kind === 'vault' ? '--name' : '--hsm-name'
  return `az keyvault show ${selector} ${storeNameOf(host)} --query id --output tsv`
}

export function storeNameOf(host: string): string {
  return host.slice(0, host.indexOf('.'))
}
