import type { KekProviderKind } from './kek.ts'

/** How soon a cloud itself refuses after its own answer to whoever took a key away; in the cloud's own words. */
export type CloudWithdrawal = Readonly<{
  /** What we count on, in milliseconds. */
  boundMs: number
  usually: string
  /** What the cloud does not rule out; null where it says nothing of the kind. */
  exceptionally: string | null
  /** The lever that acts soonest. */
  quickest: string
  /** Where the cloud says so; null where there is no cloud. */
  source: string | null
}>

/** The one place for what the clouds say of their propagation. Figures of theirs, not measurements: `hasp drill` measures. */
export const cloudWithdrawals: Readonly<Record<KekProviderKind, CloudWithdrawal>> = {
  aws: {
    boundMs: 300_000,
    usually: 'less than a few seconds; in some cases several minutes, which is counted as five',
    exceptionally:
      'a change of the role’s trust policy alone leaves the session that exists: up to 15 minutes',
    quickest: 'kms:DisableKey, or a Deny in the key policy',
    source: 'https://docs.aws.amazon.com/kms/latest/developerguide/programming-eventual-consistency.html',
  },
  gcp: {
    boundMs: 60_000,
    usually: 'up to 1 minute after a key version is disabled; an IAM binding within seconds',
    exceptionally: 'several hours for a disabled key version',
    quickest: 'remove the IAM binding, and disable the key version as well',
    source: 'https://cloud.google.com/kms/docs/consistency',
  },
  azure: {
    boundMs: 600_000,
    usually: 'up to 10 minutes for a role assignment; nothing is stated of a disabled key version',
    exceptionally: null,
    quickest: 'disable the key version; removing the role assignment takes longer',
    source: 'https://learn.microsoft.com/azure/role-based-access-control/troubleshooting',
  },
  local: {
    boundMs: 0,
    usually: 'at once: the file is read for each unwrap',
    exceptionally: null,
    quickest: 'move the file away',
    source: null,
  },
}
