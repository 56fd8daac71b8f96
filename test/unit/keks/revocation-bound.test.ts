import { describe, expect, it } from 'vitest'
import { cloudWithdrawals } from '#keks/cloud-withdrawal.ts'
import type { Kek, KekProviderKind } from '#keks/kek.ts'
import { revocationBound } from '#keks/revocation-bound.ts'
import { kekCallMsMax } from '#kms/kek-call-time.ts'

const accesses: Record<KekProviderKind, Kek['access']> = {
  aws: { provider: 'aws', keyArn: 'arn', roleArn: null, externalId: 'x' },
  gcp: { provider: 'gcp', keyName: 'projects/p', identityProvider: null, audience: 'a' },
  azure: { provider: 'azure', keyId: 'https://v.vault.azure.net/keys/k/1', tenantId: 't' },
  local: { provider: 'local', fileId: 'f' },
}
const rules = {
  access: accesses.aws,
  unwrapMode: 'strict',
  cacheCeilingMs: 30_000,
  streamRule: 'cut',
  probeIntervalMs: 60_000,
} as const

describe('the published bound of a revocation', () => {
  it.each(Object.keys(accesses) as KekProviderKind[])(
    'in mode strict adds nothing to the cloud’s: %s',
    (kind) => {
      const bound = revocationBound({ ...rules, access: accesses[kind] })
      expect(bound).toMatchObject({ cloud: cloudWithdrawals[kind], haspMs: 0 })
      expect(bound.newRequestsMs).toBe(cloudWithdrawals[kind].boundMs)
    },
  )

  it('in mode shared adds one call to the KMS, which a request may have joined', () => {
    expect(revocationBound({ ...rules, unwrapMode: 'shared' })).toMatchObject({
      haspMs: kekCallMsMax,
      newRequestsMs: cloudWithdrawals.aws.boundMs + kekCallMsMax,
    })
  })

  it('in mode cached adds the ceiling, and at the least the call that requests may join', () => {
    expect(revocationBound({ ...rules, unwrapMode: 'cached' }).haspMs).toBe(30_000)
    expect(revocationBound({ ...rules, unwrapMode: 'cached', cacheCeilingMs: 0 }).haspMs).toBe(kekCallMsMax)
  })

  it('is not made shorter by the probe, which a node that dies does not run', () => {
    const probed = revocationBound({ ...rules, unwrapMode: 'cached', probeIntervalMs: 1_000 })
    expect(probed.haspMs).toBe(30_000)
  })

  it('for an idle organisation is the probe’s, with its poll, its call and a second reading', () => {
    expect(revocationBound(rules).idleNoticeMs).toBe(60_000 + 1_000 + 3 * kekCallMsMax)
    expect(revocationBound({ ...rules, probeIntervalMs: 0 }).idleNoticeMs).toBeNull()
  })

  it('for streams is that of an idle organisation when they are cut, and none when they may end', () => {
    const { idleNoticeMs, streams } = revocationBound(rules)
    expect(streams).toEqual({ rule: 'cut', endMs: idleNoticeMs })
    expect(revocationBound({ ...rules, probeIntervalMs: 0 }).streams.endMs).toBeNull()
    expect(revocationBound({ ...rules, streamRule: 'drain' }).streams).toEqual({ rule: 'drain', endMs: null })
  })
})

describe('what a cloud says of its propagation', () => {
  it.each(Object.entries(cloudWithdrawals))('is quoted with its source: %s', (kind, cloud) => {
    if (kind === 'local') expect(cloud).toMatchObject({ boundMs: 0, source: null })
    else expect(cloud.source).toMatch(/^https:\/\/[\w./-]+$/)
  })
})
