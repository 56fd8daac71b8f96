import { randomBytes, randomUUID } from 'node:crypto'
import type { GrantFinding } from '#kms/kek-grant-linter.ts'
import type { AzureKeyId } from './key-id.ts'
import { ROLES } from './roles.ts'

/** One call that must answer 403. None of them changes anything, whoever may make it. */
export type LintAttempt = Readonly<{
  /** In the words of Azure's roles. */
  action: string
  method: 'GET' | 'POST' | 'PATCH'
  path: string
  body?: object
  isUnwrap?: boolean
  finding: GrantFinding
}>

/** The whole of the grant: no finding repeats it. */
export function leastOf({ store }: AzureKeyId): string {
  return `Assign “${ROLES[store.kind].name}” on this one key, and nothing else.`
}

/** What can not be asked without being done, or not by Hasp. */
export const UNTRIED =
  'Not tried, because a try would do it: deleting, rotating and importing keys. Not seen: who else may use the key. Your role assignments tell.'

function warning(code: string, allows: string, fix: string): GrantFinding {
  return { code, severity: 'warning', allows, fix }
}

/** A version that no key has: what is asked of it reaches nothing. */
const NO_VERSION = '0'.repeat(32)

/** What a grant on more than the key, or of more than wrapping, would let through. */
export function lintAttempts(keyId: AzureKeyId): LintAttempt[] {
  return [...useAttempts(keyId), ...storeAttempts(), ...(keyId.store.kind === 'vault' ? vaultAttempts() : [])]
}

/** Other uses of this very key. Azure authorises before it looks at key and value: those here are noise. */
function useAttempts({ name, store, version }: AzureKeyId): LintAttempt[] {
  const isRsa = store.kind === 'vault'
  const alg = isRsa ? 'RSA-OAEP-256' : 'A256GCM'
  const iv = isRsa ? {} : { iv: noise(12) }
  return [
    {
      action: 'keys/encrypt on the key',
      method: 'POST',
      path: `/keys/${name}/${version}/encrypt`,
      body: { alg, value: noise(32), ...iv },
      finding: warning(
        'azure-encrypt',
        'Hasp may encrypt with the key, beside wrapping with it.',
        'Take keys/encrypt away.',
      ),
    },
    {
      action: 'keys/decrypt on the key',
      method: 'POST',
      path: `/keys/${name}/${version}/decrypt`,
      body: { alg, value: noise(256), ...(isRsa ? {} : { ...iv, tag: noise(16) }) },
      finding: warning(
        'azure-decrypt',
        'Hasp may decrypt with the key whatever else was encrypted under it.',
        'Take keys/decrypt away.',
      ),
    },
    // An AES key signs nothing.
    ...(isRsa ? [signAttempt(name, version)] : []),
    {
      action: 'keys/backup of the key',
      method: 'POST',
      path: `/keys/${name}/backup`,
      body: {},
      finding: warning(
        'azure-backup',
        'Hasp may take a backup of the key, which can be restored to another vault and outlives a revocation here.',
        'Take keys/backup away.',
      ),
    },
    {
      action: 'keys/update of the key (a version that does not exist)',
      method: 'PATCH',
      path: `/keys/${name}/${NO_VERSION}`,
      body: { tags: {} },
      finding: warning(
        'azure-update',
        'Hasp may change the key: disable it, or enable it again after you disabled it to revoke it.',
        'Take keys/update away.',
      ),
    },
  ]
}

function signAttempt(name: string, version: string): LintAttempt {
  return {
    action: 'keys/sign on the key',
    method: 'POST',
    path: `/keys/${name}/${version}/sign`,
    body: { alg: 'RS256', value: noise(32) },
    finding: warning('azure-sign', 'Hasp may sign with the key in your name.', 'Take keys/sign away.'),
  }
}

/** Beyond the key: whether the role was assigned on the whole vault or HSM. */
function storeAttempts(): LintAttempt[] {
  const other = `hasp-lint-${randomUUID()}`
  return [
    {
      action: 'keys/unwrap with another key (one that does not exist)',
      method: 'POST',
      path: `/keys/${other}/${NO_VERSION}/unwrapkey`,
      body: { alg: 'RSA-OAEP-256', value: noise(256) },
      isUnwrap: true,
      finding: warning(
        'azure-other-keys',
        'The role is assigned on the vault or above it: Hasp may use every other key in it too.',
        'Assign the role on the key, and remove the assignment on the vault, resource group or subscription.',
      ),
    },
    {
      action: 'keys/read of all keys',
      method: 'GET',
      path: '/keys',
      finding: warning(
        'azure-list-keys',
        'Hasp may list the keys of the vault.',
        'Remove assignments on the vault, resource group or subscription.',
      ),
    },
    {
      action: 'keys/read of deleted keys',
      method: 'GET',
      path: '/deletedkeys',
      finding: warning(
        'azure-list-deleted-keys',
        'Hasp may list the deleted keys of the vault.',
        'Remove assignments on the vault, resource group or subscription.',
      ),
    },
  ]
}

/** What a vault holds beside keys. */
function vaultAttempts(): LintAttempt[] {
  return [
    {
      action: 'secrets/readMetadata',
      method: 'GET',
      path: '/secrets',
      finding: warning(
        'azure-list-secrets',
        'Hasp may list the secrets of the vault.',
        'Remove assignments on the vault, resource group or subscription.',
      ),
    },
    {
      action: 'secrets/getSecret (one that does not exist)',
      method: 'GET',
      path: `/secrets/hasp-lint-${randomUUID()}`,
      finding: warning(
        'azure-read-secrets',
        'Hasp may read the secrets of the vault.',
        'Remove assignments on the vault, resource group or subscription; best keep the key in a vault of its own.',
      ),
    },
    {
      action: 'certificates/read',
      method: 'GET',
      path: '/certificates',
      finding: warning(
        'azure-list-certificates',
        'Hasp may list the certificates of the vault.',
        'Remove assignments on the vault, resource group or subscription.',
      ),
    },
  ]
}

function noise(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
