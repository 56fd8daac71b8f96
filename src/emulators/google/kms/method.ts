import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { isGranted } from '#emulators/google/iam/authorize.ts'
import type { Principal } from '#emulators/google/iam/principal.ts'
import type { Roles } from '#emulators/google/iam/roles.ts'
import type { Message } from '#emulators/google/wire/protobuf.ts'
import { invalidArgument, StatusError } from '#emulators/google/wire/status-error.ts'
import type { CryptoKey, CryptoKeyVersion, KeyRing, Project, Resource } from './resources.ts'
import { notFound, type ResourceStore } from './resource-store.ts'

export type KmsSettings = {
  /** How long it takes until disabling or destroying a version bites; enabling is strongly consistent. */
  effectDelayMs: number
  /** How long it takes until a changed IAM policy bites. */
  policyDelayMs: number
}

export type KmsDeps = Readonly<{
  resources: ResourceStore
  roles: Roles
  clock: ServiceClock
  settings: KmsSettings
}>

/** Which of Cloud Audit Logs a method belongs to: the first is always written, the others when configured. */
export type LogKind = 'ADMIN_WRITE' | 'ADMIN_READ' | 'DATA_READ' | 'DATA_WRITE'

/** What a call leaves in the log besides what its request says. */
type CallAudit = {
  resourceName: string
  resource: Resource | undefined
  readonly authorizations: { resource: string; permission: string; granted: boolean }[]
}

export type KmsCall = Readonly<{
  principal: Principal
  request: Message
  nowMs: number
  /** The client says that its bytes were not damaged on the way; a fault may say otherwise. */
  isDamaged: boolean
  audit: CallAudit
}>

/** One method of one service, the same over gRPC and REST. */
export type Method = Readonly<{
  /** `Decrypt` */
  name: string
  /** Path of the gRPC method, `/google.cloud.kms.v1.KeyManagementService/Decrypt`; some have two. */
  paths: readonly string[]
  /** What the log calls it: `Decrypt`, or with its service for others than KMS itself. */
  logName: string
  requestType: string
  log: LogKind
  decode: (bytes: Buffer) => Message
  encode: (reply: Message) => Buffer
  run: (deps: KmsDeps, call: KmsCall) => Message
}>

/**
 * Whether the caller may; a refusal never tells whether the resource exists.
 * @throws {StatusError} PERMISSION_DENIED
 */
export function authorize(deps: KmsDeps, call: KmsCall, permission: string, name: string): void {
  const { audit, nowMs, principal } = call
  const resource = deps.resources.nearest(name)
  const granted = isGranted(resource, principal, permission, deps.roles, nowMs)
  audit.authorizations.push({ resource: name, permission, granted })
  if (granted) return
  throw new StatusError(
    'PERMISSION_DENIED',
    `Permission '${permission}' denied on resource '${name}' (or it may not exist).`,
    {
      reason: 'IAM_PERMISSION_DENIED',
      domain: 'cloudkms.googleapis.com',
      metadata: { permission, resource: name },
    },
  )
}

/** The key that the request names, for whoever may. @throws {StatusError} */
export function authorizedKey(deps: KmsDeps, call: KmsCall, permission: string, name: string): CryptoKey {
  const found = prepared(deps, call, permission, name)
  if (found?.kind !== 'cryptoKey') throw notFound('CryptoKey', name)
  return found
}

export function authorizedKeyRing(deps: KmsDeps, call: KmsCall, permission: string, name: string): KeyRing {
  const found = prepared(deps, call, permission, name)
  if (found?.kind !== 'keyRing') throw notFound('KeyRing', name)
  return found
}

function prepared(deps: KmsDeps, call: KmsCall, permission: string, name: string): Resource | undefined {
  const found = deps.resources.find(name)
  call.audit.resourceName = name
  call.audit.resource = found
  requireApi(deps.resources.project(name))
  authorize(deps, call, permission, name)
  return found
}

/** One version of it, in its state as of now. @throws {StatusError} NOT_FOUND */
export function requireVersion(deps: KmsDeps, cryptoKey: CryptoKey, number: number): CryptoKeyVersion {
  const version = deps.resources.version(cryptoKey, number)
  if (version === undefined) {
    throw notFound('CryptoKeyVersion', `${cryptoKey.name}/cryptoKeyVersions/${number}`)
  }
  return version
}

/** @throws {StatusError} PERMISSION_DENIED where the API is switched off in the project */
export function requireApi(project: Project | undefined): void {
  if (project === undefined || project.isApiEnabled) return
  const { projectNumber } = project
  throw new StatusError(
    'PERMISSION_DENIED',
    `Cloud Key Management Service (KMS) API has not been used in project ${projectNumber} before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/cloudkms.googleapis.com/overview?project=${projectNumber} then retry.`,
    {
      reason: 'SERVICE_DISABLED',
      domain: 'googleapis.com',
      metadata: { consumer: `projects/${projectNumber}`, service: 'cloudkms.googleapis.com' },
    },
  )
}

/** A text member of the request. @throws {StatusError} INVALID_ARGUMENT */
export function requiredText(request: Message, member: string): string {
  const value = request[member]
  if (typeof value === 'string' && value !== '') return value
  throw invalidArgument(`The ${member} is missing.`)
}

/** A member that is a message itself; an empty one where it is absent. */
export function messageIn(message: Message, member: string): Message {
  const value = message[member]
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Takes `…/cryptoKeys/k/cryptoKeyVersions/n` apart; a version of undefined for the name of a key. */
export function splitVersionName(name: string): { keyName: string; version: number | undefined } {
  const [, keyName = name, version] = /^(.+)\/cryptoKeyVersions\/(\d+)$/.exec(name) ?? []
  return { keyName, version: version === undefined ? undefined : Number(version) }
}
