import type { DelayedValue } from '#emulators/common/delayed-value.ts'
import type { PolicyDocument } from '#emulators/aws/iam/policy-document.ts'
import type { KeyMaterial } from './key-material.ts'

export const keyStates = [
  'Creating',
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingImport',
  'PendingReplicaDeletion',
  'Unavailable',
  'Updating',
] as const

export type KeyState = (typeof keyStates)[number]

export const keyOrigins = ['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'] as const

export type KeyOrigin = (typeof keyOrigins)[number]

/** A symmetric KMS key as the service holds it. */
export type KmsKey = {
  readonly keyId: string
  readonly arn: string
  readonly accountId: string
  readonly region: string
  readonly description: string
  readonly origin: KeyOrigin
  readonly isMultiRegion: boolean
  readonly createdAtMs: number
  readonly state: DelayedValue<KeyState>
  readonly policy: DelayedValue<PolicyDocument>
  readonly tags: Map<string, string>
  /** All generations by material id; blobs of every generation stay readable. */
  readonly materials: Map<string, KeyMaterial>
  current: KeyMaterial
  deletionAtMs: number | undefined
  pendingWindowDays: number | undefined
  onDemandRotations: number
}
