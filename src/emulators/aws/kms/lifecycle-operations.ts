import { createKeyMaterial } from './key-material.ts'
import { keyMetadata } from './key-metadata.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import {
  flag,
  optionalChoice,
  optionalFreeText,
  optionalInteger,
  optionalText,
  tagPairs,
  type JsonObject,
} from './input.ts'
import { invalidState, requireUsable } from './key-state.ts'
import { requireNoLockout, requireValidKeyPolicy } from './policy-operations.ts'
import { keyOrigins, type KeyState, type KmsKey } from './kms-key.ts'
import {
  authorizeAccountAction,
  authorizedKey,
  type KmsCall,
  type KmsDeps,
  type Operation,
} from './operation.ts'

const ON_DEMAND_ROTATIONS_MAX = 10
const DAY_MS = 86_400_000

/** What the owner of a KMS key does with it: create, look, suspend, delete, rotate. */
export const lifecycleOperations: Readonly<Record<string, Operation>> = {
  CreateKey: { isReadOnly: false, run: createKey },
  DescribeKey: {
    isReadOnly: true,
    run: (deps, call) => ({ KeyMetadata: keyMetadata(authorizedKey(deps, call, 'cross-account')) }),
  },
  EnableKey: { isReadOnly: false, run: (deps, call) => changeState(deps, call, 'Enabled') },
  DisableKey: { isReadOnly: false, run: (deps, call) => changeState(deps, call, 'Disabled') },
  ScheduleKeyDeletion: { isReadOnly: false, run: scheduleDeletion },
  CancelKeyDeletion: { isReadOnly: false, run: cancelDeletion },
  RotateKeyOnDemand: { isReadOnly: false, run: rotateOnDemand },
  GetKeyRotationStatus: { isReadOnly: true, run: rotationStatus },
  ListKeys: { isReadOnly: true, run: listKeys },
}

function createKey(deps: KmsDeps, call: KmsCall): JsonObject {
  const { input, caller, audit } = call
  authorizeAccountAction(call)
  const spec =
    optionalText(input, 'KeySpec') ?? optionalText(input, 'CustomerMasterKeySpec') ?? 'SYMMETRIC_DEFAULT'
  const usage = optionalText(input, 'KeyUsage') ?? 'ENCRYPT_DECRYPT'
  const origin = optionalChoice(input, 'Origin', keyOrigins)
  if (
    spec !== 'SYMMETRIC_DEFAULT' ||
    usage !== 'ENCRYPT_DECRYPT' ||
    (origin !== undefined && origin !== 'AWS_KMS' && origin !== 'EXTERNAL')
  ) {
    throw new ServiceError(
      'UnsupportedOperationException',
      'The emulator makes symmetric encryption keys only.',
    )
  }
  const policy = optionalText(input, 'Policy', 32_768)
  const accountId = caller.principal.accountId
  if (policy !== undefined) {
    const document = requireValidKeyPolicy(deps, policy)
    if (!flag(input, 'BypassPolicyLockoutSafetyCheck')) requireNoLockout(call, document, accountId)
  }
  const kmsKey = deps.keys.create({
    accountId,
    region: call.region,
    description: optionalFreeText(input, 'Description', 8192),
    policy,
    origin,
    isMultiRegion: flag(input, 'MultiRegion'),
    tags: new Map(tagPairs(input, 50)),
  })
  audit.resources.push(kmsKey)
  const metadata = keyMetadata(kmsKey)
  audit.responseElements = { keyMetadata: metadata }
  return { KeyMetadata: metadata }
}

function changeState(deps: KmsDeps, call: KmsCall, to: 'Enabled' | 'Disabled'): JsonObject {
  const kmsKey = authorizedKey(deps, call, 'own-account')
  const from = kmsKey.state.recorded()
  if (from !== 'Enabled' && from !== 'Disabled') throw invalidState(kmsKey, describe(from))
  kmsKey.state.set(to, call.nowMs, deps.settings.effectDelayMs)
  call.audit.responseElements = { keyId: kmsKey.arn }
  return {}
}

function scheduleDeletion(deps: KmsDeps, call: KmsCall): JsonObject {
  const days = optionalInteger(call.input, 'PendingWindowInDays', { min: 7, max: 30 }) ?? 30
  const kmsKey = authorizedKey(deps, call, 'own-account')
  const from = kmsKey.state.recorded()
  if (from === 'PendingDeletion' || from === 'Creating' || from === 'Updating')
    throw invalidState(kmsKey, describe(from))
  kmsKey.state.set('PendingDeletion', call.nowMs, deps.settings.effectDelayMs)
  kmsKey.deletionAtMs = call.nowMs + days * DAY_MS
  const reply = {
    KeyId: kmsKey.arn,
    DeletionDate: kmsKey.deletionAtMs / 1000,
    KeyState: 'PendingDeletion',
    PendingWindowInDays: days,
  }
  call.audit.responseElements = reply
  return reply
}

/** The key comes back disabled, never enabled. */
function cancelDeletion(deps: KmsDeps, call: KmsCall): JsonObject {
  const kmsKey = authorizedKey(deps, call, 'own-account')
  if (kmsKey.state.recorded() !== 'PendingDeletion') throw invalidState(kmsKey, 'is not pending deletion')
  kmsKey.state.set('Disabled', call.nowMs, deps.settings.effectDelayMs)
  kmsKey.deletionAtMs = undefined
  const reply = { KeyId: kmsKey.arn }
  call.audit.responseElements = reply
  return reply
}

function rotateOnDemand(deps: KmsDeps, call: KmsCall): JsonObject {
  const kmsKey = authorizedKey(deps, call, 'own-account')
  requireUsable(kmsKey, deps.settings, call.nowMs)
  requireAwsMaterial(kmsKey)
  if (kmsKey.onDemandRotations >= ON_DEMAND_ROTATIONS_MAX) {
    throw new ServiceError('LimitExceededException', 'The key has used all of its on-demand rotations.')
  }
  const next = createKeyMaterial(call.nowMs)
  kmsKey.materials.set(next.materialId, next)
  kmsKey.current = next
  kmsKey.onDemandRotations++
  const reply = { KeyId: kmsKey.arn }
  call.audit.responseElements = reply
  return reply
}

function rotationStatus(deps: KmsDeps, call: KmsCall): JsonObject {
  const kmsKey = authorizedKey(deps, call, 'cross-account')
  requireAwsMaterial(kmsKey)
  return { KeyRotationEnabled: false, KeyId: kmsKey.arn }
}

function listKeys(deps: KmsDeps, call: KmsCall): JsonObject {
  authorizeAccountAction(call)
  const limit = optionalInteger(call.input, 'Limit', { min: 1, max: 1000 }) ?? 100
  const marker = optionalText(call.input, 'Marker', 1024)
  const all = deps.keys.list(call.caller.principal.accountId, call.region)
  const start = marker === undefined ? 0 : all.findIndex((kmsKey) => kmsKey.keyId === marker)
  if (start === -1) throw new ServiceError('InvalidMarkerException')
  const next = all[start + limit]
  return {
    Keys: all.slice(start, start + limit).map((kmsKey) => ({ KeyId: kmsKey.keyId, KeyArn: kmsKey.arn })),
    Truncated: next !== undefined,
    ...(next === undefined ? {} : { NextMarker: next.keyId }),
  }
}

function requireAwsMaterial(kmsKey: KmsKey): void {
  if (kmsKey.origin !== 'AWS_KMS') {
    throw new ServiceError(
      'UnsupportedOperationException',
      `${kmsKey.arn} origin is ${kmsKey.origin} which is not valid for this operation.`,
    )
  }
}

function describe(state: KeyState): string {
  return `is ${state.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()}`
}
