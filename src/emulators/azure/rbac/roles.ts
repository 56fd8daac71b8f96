/** A role: what it allows on data, in Azure's own action names, where `*` stands for anything. */
export type RoleDefinition = Readonly<{ id: string; name: string; dataActions: readonly string[] }>

const VAULT = 'Microsoft.KeyVault/vaults'
const HSM = 'Microsoft.KeyVault/managedHsm'

const named = (prefix: string, ...actions: string[]) => actions.map((action) => `${prefix}/${action}`)

/** "Azure built-in roles", Security, and "Managed HSM local RBAC built-in roles": those that touch keys. */
export const builtInRoles: readonly RoleDefinition[] = [
  {
    id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6',
    name: 'Key Vault Crypto Service Encryption User',
    dataActions: named(VAULT, 'keys/read', 'keys/wrap/action', 'keys/unwrap/action'),
  },
  {
    id: '12338af0-0e69-4776-bea7-57ae8d297424',
    name: 'Key Vault Crypto User',
    dataActions: named(
      VAULT,
      'keys/read',
      'keys/update/action',
      'keys/backup/action',
      'keys/encrypt/action',
      'keys/decrypt/action',
      'keys/wrap/action',
      'keys/unwrap/action',
      'keys/sign/action',
      'keys/verify/action',
    ),
  },
  {
    id: '14b46e9e-c2b7-41b4-b07b-48a6ebf60603',
    name: 'Key Vault Crypto Officer',
    dataActions: named(VAULT, 'keys/*', 'keyrotationpolicies/*'),
  },
  {
    id: '00482a5a-887f-4fb3-b363-3b7fe8e74483',
    name: 'Key Vault Administrator',
    dataActions: [`${VAULT}/*`],
  },
  {
    id: '21090545-7ca7-4776-b22c-e363652d74d2',
    name: 'Key Vault Reader',
    dataActions: named(VAULT, '*/read', 'secrets/readMetadata/action'),
  },
  {
    id: '33413926-3206-4cdd-b39a-83574fe37a17',
    name: 'Managed HSM Crypto Service Encryption User',
    dataActions: named(HSM, 'keys/read/action', 'keys/wrap/action', 'keys/unwrap/action'),
  },
  {
    id: '21dbd100-6940-42c2-9190-5d6cb909625b',
    name: 'Managed HSM Crypto User',
    dataActions: named(
      HSM,
      'keys/read/action',
      'keys/write/action',
      'keys/rotate/action',
      'keys/create',
      'keys/delete',
      'keys/import/action',
      'keys/release/action',
      'keys/backup/action',
      'keys/restore/action',
      'keys/encrypt/action',
      'keys/decrypt/action',
      'keys/wrap/action',
      'keys/unwrap/action',
      'keys/sign/action',
      'keys/verify/action',
    ),
  },
  {
    id: '515eb02d-2335-4d2d-92f2-b1cbdf9c3778',
    name: 'Managed HSM Crypto Officer',
    dataActions: named(
      HSM,
      'keys/deletedKeys/read/action',
      'keys/deletedKeys/recover/action',
      'keys/deletedKeys/delete',
      'keys/release/action',
      'roleAssignments/*',
    ),
  },
]

/** Whether one of the role's actions covers `action`; case does not matter, as in Azure. */
export function allows({ dataActions }: RoleDefinition, action: string): boolean {
  return dataActions.some((pattern) => {
    const [head = '', ...rest] = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${[head, ...rest].join('.*')}$`, 'i').test(action)
  })
}
