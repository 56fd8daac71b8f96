/**
 * The Azure clouds, each with the only hosts that we talk to in it: vaults and HSMs are named below the two
 * suffixes, tokens come from the authority ("About keys, secrets, and certificates", DNS suffixes; Entra
 * "National clouds").
 */
export const azureClouds = {
  public: {
    authorityHost: 'https://login.microsoftonline.com',
    vaultSuffix: 'vault.azure.net',
    managedHsmSuffix: 'managedhsm.azure.net',
  },
  china: {
    authorityHost: 'https://login.chinacloudapi.cn',
    vaultSuffix: 'vault.azure.cn',
    managedHsmSuffix: 'managedhsm.azure.cn',
  },
  'us-government': {
    authorityHost: 'https://login.microsoftonline.us',
    vaultSuffix: 'vault.usgovcloudapi.net',
    managedHsmSuffix: 'managedhsm.usgovcloudapi.net',
  },
} as const
export type AzureCloud = keyof typeof azureClouds

export const azureCloudNames = ['public', 'china', 'us-government'] as const satisfies AzureCloud[]
