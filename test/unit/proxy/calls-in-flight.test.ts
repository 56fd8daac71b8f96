import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CallsInFlight, type OngoingCall } from '#proxy/calls-in-flight.ts'

function callOn(kekId: string, calls: CallsInFlight, isCutOnRevocation = true) {
  const ends: string[] = []
  const end = (how: string) => () => {
    ends.push(how)
    calls.delete(call)
  }
  const call: OngoingCall = {
    kekId,
    orgId: 'org',
    isCutOnRevocation,
    place: undefined,
    cutOnRevocation: end('revocation'),
    cutOnStop: end('stop'),
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
    expect(revoked.map(({ ends }) => ends)).toEqual([['revocation'], ['revocation'], ['revocation']])
    expect([draining.ends, other.ends]).toEqual([[], []])
    expect(calls.count).toBe(2)
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
