import { isGranted } from '#emulators/google/iam/authorize.ts'
import { parsePolicy, type Policy } from '#emulators/google/iam/policy.ts'
import { permissions as knownPermissions } from '#emulators/google/iam/roles.ts'
import {
  getIamPolicyRequest,
  logTypes,
  policyMessage,
  setIamPolicyRequest,
  testIamPermissionsRequest,
  testIamPermissionsResponse,
} from '#emulators/google/wire/iam-messages.ts'
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type MessageType,
} from '#emulators/google/wire/protobuf.ts'
import { invalidArgument, StatusError } from '#emulators/google/wire/status-error.ts'
import { authorize, requiredText, type KmsCall, type KmsDeps, type LogKind, type Method } from './method.ts'
import type { Resource } from './resources.ts'

/** google.iam.v1.IAMPolicy for keys and key rings; Resource Manager has the same three for projects. */
export const iamMethods: readonly Method[] = [
  iamMethod('GetIamPolicy', getIamPolicyRequest, policyMessage, 'ADMIN_READ', getIamPolicy),
  iamMethod('SetIamPolicy', setIamPolicyRequest, policyMessage, 'ADMIN_WRITE', setIamPolicy),
  iamMethod(
    'TestIamPermissions',
    testIamPermissionsRequest,
    testIamPermissionsResponse,
    'ADMIN_READ',
    testIamPermissions,
  ),
]

function iamMethod(
  name: string,
  requestType: MessageType,
  replyType: MessageType,
  log: LogKind,
  run: Method['run'],
): Method {
  return {
    name,
    paths: [`/google.iam.v1.IAMPolicy/${name}`, `/google.cloud.resourcemanager.v3.Projects/${name}`],
    logName: `google.iam.v1.IAMPolicy.${name}`,
    requestType: `type.googleapis.com/google.iam.v1.${name}Request`,
    log,
    decode: (bytes) => named(decodeMessage(requestType, bytes)),
    encode: (reply) => encodeMessage(replyType, numbered(reply)),
    run,
  }
}

function getIamPolicy(deps: KmsDeps, call: KmsCall): Message {
  const resource = guarded(deps, call, 'getIamPolicy')
  return shown(resource.policy.recorded())
}

function setIamPolicy(deps: KmsDeps, call: KmsCall): Message {
  const resource = guarded(deps, call, 'setIamPolicy')
  const { nowMs, request } = call
  const policy = parsePolicy(request['policy'], deps.roles, resource.policy.recorded())
  if (policy.auditConfigs.length > 0 && resource.kind !== 'project') {
    throw invalidArgument('Audit configurations belong into the policy of a project.')
  }
  resource.policy.set(policy, nowMs, deps.settings.policyDelayMs)
  return shown(policy)
}

/** Needs no permission itself, and answers with those of the asked that the caller has. */
function testIamPermissions(deps: KmsDeps, call: KmsCall): Message {
  const name = requiredText(call.request, 'resource')
  const resource = deps.resources.find(name)
  call.audit.resourceName = name
  call.audit.resource = resource
  if (resource === undefined) {
    throw new StatusError(
      'PERMISSION_DENIED',
      `Permission denied on resource '${name}' (or it may not exist).`,
    )
  }
  const asked = (call.request['permissions'] ?? []) as readonly string[]
  const unknown = asked.find((permission) => !knownPermissions.has(permission))
  if (unknown !== undefined) throw invalidArgument(`Permission ${unknown} is not valid for this resource.`)
  const granted = asked.filter((permission) =>
    isGranted(resource, call.principal, permission, deps.roles, call.nowMs),
  )
  return { permissions: granted }
}

function guarded(deps: KmsDeps, call: KmsCall, verb: string): Resource {
  const name = requiredText(call.request, 'resource')
  const resource = deps.resources.find(name)
  call.audit.resourceName = name
  call.audit.resource = resource
  authorize(deps, call, permissionFor(name, verb), name)
  if (resource === undefined) throw new StatusError('NOT_FOUND', `${name} not found.`)
  return resource
}

function permissionFor(name: string, verb: string): string {
  if (name.includes('/cryptoKeys/')) return `cloudkms.cryptoKeys.${verb}`
  return name.includes('/keyRings/') ? `cloudkms.keyRings.${verb}` : `resourcemanager.projects.${verb}`
}

function shown({ auditConfigs, bindings, etag }: Policy): Message {
  return { version: 1, etag, bindings, auditConfigs }
}

/** Log types by name within, by number on the wire. */
function named(message: Message): Message {
  return withLogTypes(message, (logType) => logTypes[Number(logType)] ?? 'LOG_TYPE_UNSPECIFIED')
}

function numbered(message: Message): Message {
  return withLogTypes(message, (logType) => logTypes.findIndex((name) => name === logType))
}

function withLogTypes(message: Message, convert: (logType: unknown) => unknown): Message {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((one) => walk(one))
    // An etag: bytes on the wire, base64 within.
    if (Buffer.isBuffer(value)) return value.toString('base64')
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, name === 'logType' ? convert(one) : walk(one)]),
    )
  }
  return { ...(walk(message) as Message) }
}
