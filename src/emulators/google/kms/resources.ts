import type { KeyObject } from 'node:crypto'
import type { DelayedValue } from '#emulators/common/delayed-value.ts'
import type { Policy } from '#emulators/google/iam/policy.ts'

export const versionStates = [
  'PENDING_GENERATION',
  'ENABLED',
  'DISABLED',
  'DESTROYED',
  'DESTROY_SCHEDULED',
  'PENDING_IMPORT',
  'IMPORT_FAILED',
  'GENERATION_FAILED',
  'PENDING_EXTERNAL_DESTRUCTION',
  'EXTERNAL_DESTRUCTION_FAILED',
] as const
export type VersionState = (typeof versionStates)[number]

export const protectionLevels = ['SOFTWARE', 'HSM', 'EXTERNAL', 'EXTERNAL_VPC'] as const
export type ProtectionLevel = (typeof protectionLevels)[number]

export const purposes = ['ENCRYPT_DECRYPT', 'ASYMMETRIC_SIGN', 'ASYMMETRIC_DECRYPT', 'MAC'] as const
export type Purpose = (typeof purposes)[number]

export type Project = {
  readonly kind: 'project'
  /** `projects/<id>` */
  readonly name: string
  readonly projectId: string
  readonly projectNumber: string
  readonly policy: DelayedValue<Policy>
  readonly parent: undefined
  /** Whether cloudkms.googleapis.com is enabled in it. */
  isApiEnabled: boolean
}

export type KeyRing = {
  readonly kind: 'keyRing'
  readonly name: string
  readonly createdAtMs: number
  readonly policy: DelayedValue<Policy>
  readonly parent: Project
}

export type CryptoKeyVersion = {
  readonly name: string
  readonly number: number
  readonly createdAtMs: number
  readonly state: DelayedValue<VersionState>
  /** Gone once the version is destroyed. */
  material: KeyObject | undefined
  /** When it is to be, or was, destroyed. */
  destroyAtMs: number | undefined
}

export type CryptoKey = {
  readonly kind: 'cryptoKey'
  readonly name: string
  readonly createdAtMs: number
  readonly purpose: Purpose
  readonly protectionLevel: ProtectionLevel
  readonly destroyScheduledMs: number
  labels: Readonly<Record<string, string>>
  readonly versions: Map<number, CryptoKeyVersion>
  readonly policy: DelayedValue<Policy>
  readonly parent: KeyRing
  /** Whose material Encrypt uses. */
  primary: number | undefined
}

export type Resource = Project | KeyRing | CryptoKey

export function projectOf(resource: Resource): Project {
  switch (resource.kind) {
    case 'project':
      return resource
    case 'keyRing':
      return resource.parent
    case 'cryptoKey':
      return resource.parent.parent
  }
}
