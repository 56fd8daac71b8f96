import { randomBytes } from 'node:crypto'
import { memberNames, type Principal } from '#emulators/google/iam/principal.ts'
import type { KmsCall, Method } from '#emulators/google/kms/method.ts'
import { projectOf, type Resource } from '#emulators/google/kms/resources.ts'
import type { StatusError } from '#emulators/google/wire/status-error.ts'
import { statusJson } from '#emulators/google/wire/status-message.ts'
import type { AuditLog } from './audit-log.ts'

/** A Cloud Logging LogEntry that carries an AuditLog (Cloud Logging, "Understanding audit logs"). */
export type LogEntry = Readonly<{
  insertId: string
  logName: string
  protoPayload: Readonly<{
    '@type': 'type.googleapis.com/google.cloud.audit.AuditLog'
    status: Readonly<Record<string, unknown>>
    authenticationInfo: Readonly<Record<string, unknown>>
    requestMetadata: Readonly<{
      callerIp: string
      callerSuppliedUserAgent: string
      requestAttributes: Readonly<Record<string, unknown>>
      destinationAttributes: Readonly<Record<string, unknown>>
    }>
    serviceName: string
    methodName: string
    authorizationInfo: readonly Readonly<Record<string, unknown>>[]
    resourceName: string
    request: Readonly<Record<string, unknown>>
    resourceLocation?: Readonly<{ currentLocations: readonly string[] }>
  }>
  receiveTimestamp: string
  resource: Readonly<{ type: string; labels: Readonly<Record<string, string>> }>
  severity: 'INFO' | 'NOTICE' | 'ERROR'
  timestamp: string
}>

type Caller = Readonly<{
  method: Method
  principal: Principal
  requestReason: string | undefined
  userAgent: string
  callerIp: string
}>

/**
 * Writes one call down, where its project's log is on: admin activity always is, data access only by the
 * auditConfigs of the project's policy. A call whose resource lies in no project leaves nothing.
 */
export function writeEntry(
  log: AuditLog,
  call: KmsCall,
  caller: Caller,
  refusal: StatusError | undefined,
): void {
  const { audit, nowMs } = call
  if (audit.resource === undefined || !isLogged(audit.resource, caller, nowMs)) return
  const { method, principal, requestReason } = caller
  const project = projectOf(audit.resource)
  const timestamp = new Date(nowMs).toISOString()
  const location = /\/locations\/([^/]+)/.exec(audit.resourceName)?.[1]
  const isActivity = method.log === 'ADMIN_WRITE'
  log.append({
    insertId: randomBytes(8).toString('hex'),
    logName: `projects/${project.projectId}/logs/cloudaudit.googleapis.com%2F${isActivity ? 'activity' : 'data_access'}`,
    protoPayload: {
      '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
      status: refusal === undefined ? {} : statusJson(refusal),
      authenticationInfo: authenticationOf(principal),
      requestMetadata: {
        callerIp: caller.callerIp,
        callerSuppliedUserAgent: caller.userAgent,
        requestAttributes: {
          time: timestamp,
          ...(requestReason === undefined ? {} : { reason: requestReason }),
          auth: {},
        },
        destinationAttributes: {},
      },
      serviceName: 'cloudkms.googleapis.com',
      methodName: method.logName,
      authorizationInfo: audit.authorizations.map((one) => ({ ...one, resourceAttributes: {} })),
      resourceName: audit.resourceName,
      request: { '@type': method.requestType, ...loggedMembers(call) },
      ...(location === undefined ? {} : { resourceLocation: { currentLocations: [location] } }),
    },
    receiveTimestamp: timestamp,
    resource: monitoredResource(audit.resource, project.projectId),
    severity: refusal !== undefined ? 'ERROR' : isActivity ? 'NOTICE' : 'INFO',
    timestamp,
  })
}

function isLogged(resource: Resource, { method, principal }: Caller, nowMs: number): boolean {
  if (method.log === 'ADMIN_WRITE') return true
  const exempt = new Set(memberNames(principal))
  const { auditConfigs } = projectOf(resource).policy.effective(nowMs)
  return auditConfigs
    .filter(({ service }) => service === 'allServices' || service === 'cloudkms.googleapis.com')
    .flatMap(({ auditLogConfigs }) => auditLogConfigs)
    .some(
      ({ exemptedMembers = [], logType }) =>
        logType === method.log && !exemptedMembers.some((member) => exempt.has(member)),
    )
}

function authenticationOf(principal: Principal): Readonly<Record<string, unknown>> {
  switch (principal.kind) {
    case 'federated':
      return { principalSubject: principal.principalSubject }
    case 'serviceAccount':
      return {
        principalEmail: principal.email,
        principalSubject: `serviceAccount:${principal.email}`,
        ...(principal.keyName === undefined ? {} : { serviceAccountKeyName: principal.keyName }),
      }
    case 'user':
      return { principalEmail: principal.email, principalSubject: `user:${principal.email}` }
  }
}

/** Never what the call was about: plaintext, ciphertext, additional data and their checksums are left out. */
const LOGGED = new Set([
  'name',
  'parent',
  'resource',
  'keyRingId',
  'cryptoKeyId',
  'cryptoKeyVersionId',
  'permissions',
  'policy',
])

function loggedMembers({ request }: KmsCall): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(request).filter(([member]) => LOGGED.has(member)))
}

function monitoredResource(resource: Resource, projectId: string): LogEntry['resource'] {
  const [, location, keyRing, cryptoKey] =
    /\/locations\/([^/]+)\/keyRings\/([^/]+)(?:\/cryptoKeys\/([^/]+))?/.exec(resource.name) ?? []
  if (resource.kind === 'project' || location === undefined || keyRing === undefined) {
    return { type: 'project', labels: { project_id: projectId } }
  }
  const labels = { project_id: projectId, location, key_ring_id: keyRing }
  if (cryptoKey === undefined) return { type: 'cloudkms_keyring', labels }
  return { type: 'cloudkms_cryptokey', labels: { ...labels, crypto_key_id: cryptoKey } }
}
