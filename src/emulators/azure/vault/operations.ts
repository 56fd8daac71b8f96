import { VaultError } from '#emulators/azure/wire/vault-error.ts'
import type { Json, VaultCall, VaultDeps } from './call.ts'
import * as manage from './manage-operations.ts'
import type { StoreKind } from './store.ts'
import * as use from './use-operations.ts'

/** One operation of the REST API. */
export type Operation = Readonly<{
  /** Its name in AuditEvent records, and for faults. */
  name: string
  /** What a role must allow, by the kind of store. */
  action: Readonly<Record<StoreKind, string>>
  run: (deps: VaultDeps, call: VaultCall) => Json | undefined | Promise<Json | undefined>
}>

export type Routed = Readonly<{ operation: Operation; name: string; version: string }>

function operation(name: string, action: string, hsmAction: string, run: Operation['run']): Operation {
  return {
    name,
    action: {
      vault: `Microsoft.KeyVault/vaults/${action}`,
      'managed-hsm': `Microsoft.KeyVault/managedHsm/${hsmAction}`,
    },
    run,
  }
}

function useOperation(name: string, verb: string, run: (call: VaultCall) => Json): Operation {
  return operation(name, `keys/${verb}/action`, `keys/${verb}/action`, (_, call) => run(call))
}

const read = { action: 'keys/read', hsmAction: 'keys/read/action' }
const OPERATIONS = {
  wrapkey: useOperation('KeyWrap', 'wrap', use.wrapKey),
  unwrapkey: useOperation('KeyUnwrap', 'unwrap', use.unwrapKey),
  encrypt: useOperation('KeyEncrypt', 'encrypt', use.encrypt),
  decrypt: useOperation('KeyDecrypt', 'decrypt', use.decrypt),
  sign: useOperation('KeySign', 'sign', use.signKey),
  verify: useOperation('KeyVerify', 'verify', use.verifyKey),
  get: operation('KeyGet', read.action, read.hsmAction, (_, call) => manage.getKey(call)),
  list: operation('KeyList', read.action, read.hsmAction, (_, call) => manage.listKeys(call)),
  versions: operation('KeyListVersions', read.action, read.hsmAction, (_, call) => manage.listVersions(call)),
  create: operation('KeyCreate', 'keys/create/action', 'keys/create', manage.createKey),
  rotate: operation('KeyRotate', 'keys/rotate/action', 'keys/rotate/action', manage.rotateKey),
  update: operation('KeyUpdate', 'keys/update/action', 'keys/write/action', manage.updateKey),
  delete: operation('KeyDelete', 'keys/delete', 'keys/delete', manage.deleteKey),
  backup: operation('KeyBackup', 'keys/backup/action', 'keys/backup/action', (_, call) =>
    manage.backupKey(call),
  ),
  getDeleted: operation('KeyGetDeleted', read.action, 'keys/deletedKeys/read/action', (_, call) =>
    manage.getDeletedKey(call),
  ),
  listDeleted: operation('KeyListDeleted', read.action, 'keys/deletedKeys/read/action', (_, call) =>
    manage.listDeletedKeys(call),
  ),
  recover: operation('KeyRecover', 'keys/recover/action', 'keys/deletedKeys/recover/action', (_, call) =>
    manage.recoverKey(call),
  ),
  purge: operation('KeyPurge', 'keys/purge/action', 'keys/deletedKeys/delete', (_, call) =>
    manage.purgeKey(call),
  ),
  // Vaults hold these too. There are none here: what counts is who may ask.
  listSecrets: operation('SecretList', 'secrets/readMetadata/action', 'none', () => ({
    value: [],
    nextLink: null,
  })),
  getSecret: operation('SecretGet', 'secrets/getSecret/action', 'none', (_, { name }) => {
    throw new VaultError(
      404,
      'SecretNotFound',
      `A secret with (name/id) ${name} was not found in this key vault.`,
    )
  }),
  listCertificates: operation('CertificateList', 'certificates/read', 'none', () => ({
    value: [],
    nextLink: null,
  })),
} as const

const VERBS = [
  'wrapkey',
  'unwrapkey',
  'encrypt',
  'decrypt',
  'sign',
  'verify',
  'create',
  'rotate',
  'backup',
] as const

/** Which operation a request is; undefined for none. */
export function route(method: string, path: string): Routed | undefined {
  const [collection = '', name = '', ...rest] = path.split('/').slice(1).map(decodeURIComponent)
  const collectionOperation = routeCollection(method, collection, name, rest)
  if (collectionOperation !== undefined)
    return { operation: OPERATIONS[collectionOperation], name, version: '' }
  if (collection !== 'keys' || name === '') return undefined
  const last = rest.at(-1)?.toLowerCase()
  const verb = VERBS.find((one) => one === last)
  if (method === 'POST' && verb !== undefined && rest.length <= 2) {
    return { operation: OPERATIONS[verb], name, version: rest.length === 2 ? (rest[0] ?? '') : '' }
  }
  if (method === 'GET' && last === 'versions') return { operation: OPERATIONS.versions, name, version: '' }
  if (rest.length > 1) return undefined
  const version = rest[0] ?? ''
  if (method === 'GET') return { operation: OPERATIONS.get, name, version }
  if (method === 'PATCH') return { operation: OPERATIONS.update, name, version }
  return method === 'DELETE' && version === '' ? { operation: OPERATIONS.delete, name, version } : undefined
}

function routeCollection(
  method: string,
  collection: string,
  name: string,
  rest: readonly string[],
): keyof typeof OPERATIONS | undefined {
  const isRead = method === 'GET'
  if (collection === 'keys' && name === '') return isRead ? 'list' : undefined
  if (collection === 'secrets' && isRead) return name === '' ? 'listSecrets' : 'getSecret'
  if (collection === 'certificates' && isRead && name === '') return 'listCertificates'
  if (collection !== 'deletedkeys') return undefined
  if (isRead) return name === '' ? 'listDeleted' : 'getDeleted'
  if (method === 'DELETE') return 'purge'
  return method === 'POST' && rest[0] === 'recover' ? 'recover' : undefined
}
