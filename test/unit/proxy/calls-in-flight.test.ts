import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CallsInFlight, type OngoingCall } from '#proxy/calls-in-flight.ts'

function callOn(
  kekId: string,
  calls: CallsInFlight,
  isCutOnRevocation = true,
  about: Partial<OngoingCall> = {},
) {
  const ends: string[] = []
  const end = (how: string) => () => {
    ends.push(how)
    calls.delete(call)
  }
  const call: OngoingCall = {
    kekId,
    orgId: 'org',
    targetId: 'target',
    virtualKeyId: 'agent',
    isCredentialSent: true,
    isCutOnRevocation,
    place: undefined,
    cutOnRevocation: (withdrawal) => end(withdrawal)(),
    decideAnew: end('decided anew'),
    cutOnStop: end('stop'),
    ...about,
  }
  calls.add(call)
  return { call, ends }
}

describe('calls under way', () => {
  it('are exactly those that were added and not deleted, in whatever order they end', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 100 }), (steps) => {
        const calls = new CallsInFlight(1000)
        const left = new Map<string, OngoingCall>()
        for (const [at, step] of steps.entries()) {
          const [kekId, call] = [...left][step] ?? []
          if (kekId === undefined || call === undefined) {
            left.set(`kek-${at}`, callOn(`kek-${at}`, calls).call)
          } else {
            calls.delete(call)
            calls.delete(call)
            left.delete(kekId)
          }
        }
        expect(calls.count).toBe(left.size)
        expect(new Set(calls.kekIds())).toEqual(new Set(left.keys()))
      }),
    )
  })

  it('are full at their maximum, and not below', () => {
    const calls = new CallsInFlight(2)
    callOn('a', calls)
    expect(calls.isFull).toBe(false)
    const { call } = callOn('a', calls)
    expect(calls.isFull).toBe(true)
    calls.delete(call)
    expect(calls.isFull).toBe(false)
  })

  it('are cut by their own KEK alone, all of them, unless its rule is to drain', () => {
    const calls = new CallsInFlight(10)
    const revoked = [1, 2, 3].map(() => callOn('revoked', calls))
    const draining = callOn('revoked', calls, false)
    const other = callOn('other', calls)
    expect(calls.cutKek('revoked')).toBe(3)
    expect(revoked.map(({ ends }) => ends)).toEqual([['kek_revoked'], ['kek_revoked'], ['kek_revoked']])
    expect([draining.ends, other.ends]).toEqual([[], []])
    expect(calls.count).toBe(2)
  })
})

describe('calls whose ground is withdrawn', () => {
  const org = { orgId: 'org', kekId: null, targetId: null, virtualKeyId: null }

  it('are cut, when they run with a revoked virtual key or on a deleted target, and no others', () => {
    const calls = new CallsInFlight(10)
    const [revoked, deleted, other] = [
      callOn('a', calls, false, { virtualKeyId: 'revoked' }),
      callOn('a', calls, false, { targetId: 'deleted' }),
      callOn('a', calls),
    ]
    expect(calls.onChange({ ...org, kind: 'virtual-key.revoked', virtualKeyId: 'revoked' })).toBe(1)
    expect(calls.onChange({ ...org, kind: 'target.deleted', kekId: 'a', targetId: 'deleted' })).toBe(1)
    expect([revoked.ends, deleted.ends, other.ends]).toEqual([
      ['virtual_key_revoked'],
      ['target_deleted'],
      [],
    ])
  })

  it('are decided anew where their credential has not left', () => {
    const calls = new CallsInFlight(10)
    const about = { isCredentialSent: false, virtualKeyId: 'revoked', targetId: 'deleted' }
    const waiting = [1, 2].map(() => callOn('a', calls, true, about))
    calls.cutVirtualKey('revoked')
    expect(waiting.map(({ ends }) => ends)).toEqual([['decided anew'], ['decided anew']])
    expect(calls.count).toBe(0)
  })

  it('are refused for a revoked KEK where their credential has not left, though its rule is to drain', () => {
    const calls = new CallsInFlight(10)
    const waiting = callOn('a', calls, false, { isCredentialSent: false })
    const running = callOn('a', calls, false)
    expect(calls.cutKek('a')).toBe(1)
    expect([waiting.ends, running.ends]).toEqual([['kek_revoked'], []])
  })

  it.each([
    ['its virtual key', { kind: 'virtual-key.updated', virtualKeyId: 'agent' }, true],
    ['its target', { kind: 'target.credential-rotated', kekId: 'kek', targetId: 'target' }, true],
    ['its KEK', { kind: 'kek.updated', kekId: 'kek' }, true],
    ['the organisation', { kind: 'organisation.updated' }, true],
    ['another virtual key', { kind: 'virtual-key.updated', virtualKeyId: 'other' }, false],
    ['another target under its KEK', { kind: 'target.stored', kekId: 'kek', targetId: 'other' }, false],
    ['another organisation', { kind: 'organisation.updated', orgId: 'other' }, false],
  ])('a change of %s touches what waits, and nothing that runs', (_, change, isTouched) => {
    const calls = new CallsInFlight(10)
    const waiting = callOn('kek', calls, true, { isCredentialSent: false })
    const running = callOn('kek', calls)
    expect(calls.onChange({ ...org, ...change })).toBe(0)
    expect([waiting.ends, running.ends]).toEqual([isTouched ? ['decided anew'] : [], []])
  })

  it('are decided anew after a gap, all that wait and none that run', () => {
    const calls = new CallsInFlight(10)
    const waiting = callOn('a', calls, true, { isCredentialSent: false })
    const running = callOn('b', calls)
    calls.onGap()
    expect([waiting.ends, running.ends]).toEqual([['decided anew'], []])
  })
})

describe('draining', () => {
  it('waits until the last call has ended, and cuts nothing then', async () => {
    const calls = new CallsInFlight(10)
    const { call, ends } = callOn('a', calls)
    const drained = calls.drain(60_000)
    calls.delete(call)
    expect(await drained).toBe(0)
    expect(ends).toEqual([])
  })

  it('cuts every call that is left when its time is over', async () => {
    const calls = new CallsInFlight(10)
    const left = [1, 2, 3].map(() => callOn('a', calls))
    expect(await calls.drain(1)).toBe(3)
    expect(left.map(({ ends }) => ends)).toEqual([['stop'], ['stop'], ['stop']])
    expect(calls.count).toBe(0)
  })
})
