import { kekCallMsMax } from '#kms/kek-call-time.ts'
import { cloudWithdrawals, type CloudWithdrawal } from './cloud-withdrawal.ts'
import type { Kek, StreamRule } from './kek.ts'

/** How often it is looked which probes are due, in milliseconds. */
export const probePollMs = 1_000

/** A refusal that may have another reason is read a second time (confirm-revocation.ts): describe, then the canary. */
const callsOfOneNoticeMax = 3

/**
 * The arithmetic of a revocation, for one KEK as its rules are now; all times in milliseconds. Counted from the answer
 * of the cloud to whoever took the key away.
 */
export type RevocationBound = Readonly<{
  cloud: CloudWithdrawal
  /** How long after its KMS began to refuse a new request may still be served. Holds whatever node is asked. */
  haspMs: number
  /** For new requests: `cloud.boundMs + haspMs`. */
  newRequestsMs: number
  /**
   * How long after its KMS began to refuse an organisation that sends nothing learns of it, by the probe; null where
   * the probe is off.
   */
  idleNoticeMs: number | null
  streams: Readonly<{
    rule: StreamRule
    /** How long after its KMS began to refuse a stream may go on; null where it goes on to its own end. */
    endMs: number | null
  }>
}>

type Rules = Pick<Kek, 'access' | 'unwrapMode' | 'cacheCeilingMs' | 'streamRule' | 'probeIntervalMs'>

export function revocationBound(kek: Rules): RevocationBound {
  const cloud = cloudWithdrawals[kek.access.provider]
  const haspMs = haspMsOf(kek)
  const idleNoticeMs =
    kek.probeIntervalMs === 0 ? null : kek.probeIntervalMs + probePollMs + callsOfOneNoticeMax * kekCallMsMax
  return {
    cloud,
    haspMs,
    newRequestsMs: cloud.boundMs + haspMs,
    idleNoticeMs,
    streams: { rule: kek.streamRule, endMs: kek.streamRule === 'cut' ? idleNoticeMs : null },
  }
}

/**
 * What an answer that the KMS gave just before it began to refuse is still good for. The probe usually ends a cached
 * answer sooner; it is no part of the bound, because a node may die between two probes.
 */
function haspMsOf({ unwrapMode, cacheCeilingMs }: Rules): number {
  switch (unwrapMode) {
    case 'strict':
      return 0
    case 'shared':
      return kekCallMsMax
    case 'cached':
      // Requests may also wait for the call that is under way, whatever the ceiling.
      return Math.max(cacheCeilingMs, kekCallMsMax)
  }
}
