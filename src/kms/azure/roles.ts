/** The least that wraps and unwraps: these and reading the key's attributes, on one key. */
export const ROLES = {
  vault: {
    name: 'Key Vault Crypto Service Encryption User',
    id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6',
  },
  'managed-hsm': {
    name: 'Managed HSM Crypto Service Encryption User',
    id: '33413926-3206-4cdd-b39a-83574fe37a17',
  },
} as const
