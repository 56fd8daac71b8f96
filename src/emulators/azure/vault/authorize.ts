import { forbidden } from '#emulators/azure/wire/vault-error.ts'
import type { VaultCall, VaultDeps } from './call.ts'
import type { Operation } from './operations.ts'

/** Network rules first, then roles, as the service does. @throws {VaultError} 403 */
export function authorize(
  deps: VaultDeps,
  call: VaultCall,
  operation: Operation,
  sourceIpAddress: string,
): void {
  const { store, claims, name } = call
  const rules = store.network.effective(call.nowMs)
  if (!rules.isOpen && !rules.addresses.includes(sourceIpAddress)) {
    throw forbidden(
      'ForbiddenByFirewall',
      `Client address is not authorized and caller is not a trusted service.\r\nClient address: ${sourceIpAddress}\r\nCaller: ${callerOf(call)}\r\nVault: ${store.name};location=${store.location}`,
    )
  }
  const action = operation.action[store.kind]
  const resource = store.kind === 'vault' ? `${store.resourceId}${below('keys', name)}` : below('keys', name)
  call.assignmentId = deps.roles.find(String(claims['oid']), action, scopedTo(store.host, resource))
  if (call.assignmentId !== undefined) return
  throw forbidden(
    'ForbiddenByRbac',
    `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${callerOf(call)}\r\nAction: '${action}'\r\nResource: '${resource.toLowerCase()}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: ${store.name};location=${store.location}\r\n`,
  )
}

/** HSMs have roles of their own, on scopes that name no HSM: here its host stands before them. */
export function scopedTo(host: string, scope: string): string {
  if (scope.startsWith('/subscriptions/')) return scope
  return `${host}${scope === '/' ? '' : scope}`
}

function below(collection: string, name: string): string {
  return name === '' ? `/${collection}` : `/${collection}/${name}`
}

function callerOf({ claims }: VaultCall): string {
  return `appid=${String(claims['appid'])};oid=${String(claims['oid'])};iss=${String(claims['iss'])}`
}
