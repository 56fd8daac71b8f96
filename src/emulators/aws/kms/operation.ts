import { findRefusal } from '#emulators/aws/iam/authorize.ts'
import type { Identities } from '#emulators/aws/iam/identities.ts'
import type { Caller } from '#emulators/aws/iam/principal.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import type { JsonObject } from './input.ts'
import { requiredText } from './input.ts'
import type { ContextPairs } from './key-material.ts'
import type { KeyLookup, KeyStore } from './key-store.ts'
import type { KmsKey } from './kms-key.ts'

/** What may be changed while the emulator runs. */
export type KmsSettings = {
  effectDelayMs: number
  pendingDeletionError: 'DisabledException' | 'KMSInvalidStateException' | 'alternate'
}

export type KmsDeps = Readonly<{
  keys: KeyStore
  identities: Identities
  clock: ServiceClock
  settings: KmsSettings
}>

/** What an operation leaves for CloudTrail besides its reply. */
type KmsAudit = {
  resources: KmsKey[]
  materialId: string | undefined
  /** Set for operations whose record carries `responseElements`. */
  responseElements: JsonObject | undefined
  requestDefaults: JsonObject
}

/** One authenticated KMS call. */
export type KmsCall = Readonly<{
  operation: string
  input: JsonObject
  caller: Caller
  region: string
  nowMs: number
  audit: KmsAudit
}>

export type Operation = Readonly<{
  isReadOnly: boolean
  run: (deps: KmsDeps, call: KmsCall) => JsonObject
}>

/** Operations that KMS never serves across accounts refuse a foreign ARN even where its policy would allow it. */
export type AccountReach = 'cross-account' | 'own-account'

/** Resolves `KeyId`, and refuses as KMS does whoever may not do this to that key. */
export function authorizedKey(deps: KmsDeps, call: KmsCall, reach: AccountReach, member = 'KeyId'): KmsKey {
  const lookup = findKey(deps, call, requiredText(call.input, member))
  return authorizeKey(call, lookup, { reach, context: [] })
}

/** @throws {ServiceError} NotFoundException when the ARN belongs to another region's endpoint */
export function findKey(deps: KmsDeps, call: KmsCall, reference: string): KeyLookup {
  const lookup = deps.keys.find(reference, call.caller.principal.accountId, call.region)
  if (lookup.region !== call.region)
    throw new ServiceError('NotFoundException', `Invalid arn ${lookup.region}`)
  if (lookup.kmsKey === undefined && lookup.accountId === call.caller.principal.accountId) {
    throw new ServiceError('NotFoundException', notFoundMessage(reference, lookup))
  }
  return lookup
}

type AccessOptions = Readonly<{ reach: AccountReach; context: ContextPairs; action?: string }>

/**
 * A foreign key that does not exist and one whose policy refuses look alike to the caller, so that key ids cannot
 * be probed from outside.
 */
export function authorizeKey(call: KmsCall, lookup: KeyLookup, options: AccessOptions): KmsKey {
  const { caller, audit } = call
  const action = options.action ?? `kms:${call.operation}`
  const { kmsKey } = lookup
  const isForeign = lookup.accountId !== caller.principal.accountId
  if (kmsKey === undefined || (isForeign && options.reach === 'own-account')) {
    throw new ServiceError('AccessDeniedException', hiddenMessage(caller, action))
  }
  const refusal = findRefusal({
    caller,
    action,
    resourceArn: kmsKey.arn,
    resourceAccountId: kmsKey.accountId,
    resourcePolicy: kmsKey.policy.effective(call.nowMs),
    context: requestContext(caller, options.context, kmsKey),
    nowMs: call.nowMs,
  })
  if (isForeign && refusal?.includes('resource-based')) {
    throw new ServiceError('AccessDeniedException', hiddenMessage(caller, action))
  }
  if (!audit.resources.includes(kmsKey)) audit.resources.push(kmsKey)
  if (refusal === undefined) return kmsKey
  throw new ServiceError(
    'AccessDeniedException',
    `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${kmsKey.arn} ${refusal}`,
  )
}

/** For operations on no particular key: only the caller's own policies decide. */
export function authorizeAccountAction(call: KmsCall, resourceArn = '*'): void {
  const { caller } = call
  const action = `kms:${call.operation}`
  const refusal = findRefusal({
    caller,
    action,
    resourceArn,
    resourceAccountId: caller.principal.accountId,
    resourcePolicy: undefined,
    context: requestContext(caller, [], undefined),
    nowMs: call.nowMs,
  })
  if (refusal === undefined) return
  throw new ServiceError(
    'AccessDeniedException',
    `User: ${caller.arn} is not authorized to perform: ${action}${resourceArn === '*' ? '' : ` on resource: ${resourceArn}`} ${refusal}`,
  )
}

/** The condition keys of a KMS request. Names of the encryption context are matched ignoring case, values not. */
export function requestContext(caller: Caller, context: ContextPairs, kmsKey: KmsKey | undefined) {
  return (name: string): readonly string[] | undefined => {
    switch (name) {
      case 'kms:encryptioncontextkeys':
        return context.length === 0 ? undefined : context.map(([contextName]) => contextName)
      case 'kms:calleraccount':
      case 'aws:principalaccount':
        return [caller.principal.accountId]
      case 'aws:principalarn':
        return [caller.principal.arn]
      case 'aws:principaltype':
        return [caller.session ? 'AssumedRole' : caller.principal.kind === 'root' ? 'Account' : 'User']
      case 'aws:securetransport':
        // The emulator stands in for an HTTPS endpoint: policies that demand TLS must behave as they will there.
        return ['true']
      case 'kms:keyorigin':
        return kmsKey && [kmsKey.origin]
      case 'kms:multiregion':
        return kmsKey && [String(kmsKey.isMultiRegion)]
      default: {
        if (!name.startsWith(CONTEXT_PREFIX)) return undefined
        const wanted = name.slice(CONTEXT_PREFIX.length)
        const values = context.filter(([contextName]) => contextName.toLowerCase() === wanted)
        return values.length === 0 ? undefined : values.map(([, value]) => value)
      }
    }
  }
}

const CONTEXT_PREFIX = 'kms:encryptioncontext:'

function notFoundMessage(reference: string, lookup: KeyLookup): string {
  if (reference.includes('alias/')) {
    const name = reference.slice(reference.indexOf('alias/'))
    return `Alias arn:aws:kms:${lookup.region}:${lookup.accountId}:${name} is not found.`
  }
  const keyId = reference.replace(/^.*key\//, '')
  return `Key 'arn:aws:kms:${lookup.region}:${lookup.accountId}:key/${keyId}' does not exist`
}

function hiddenMessage(caller: Caller, action: string): string {
  return `User: ${caller.arn} is not authorized to perform: ${action} on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`
}
