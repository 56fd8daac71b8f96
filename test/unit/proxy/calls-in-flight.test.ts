import { describe, expect, it } from 'vitest'
import { CallsInFlight, type OngoingCall } from '#proxy/calls-in-flight.ts'

function callOf(calls: CallsInFlight, kekId: string, isCutOnRevocation = true) {
  const call: OngoingCall & { ends: string[] } = {
    kekId,
    orgId: 'org',
    isCutOnRevocation,
    place: undefined,
    ends: [],
    cutOnRevocation() {
      call.ends.push('revoked')
      calls.delete(call)
    },
    cutOnStop() {
      call.ends.push('stopped')
      calls.delete(call)
    },
  }
  calls.add(call)
  return call
}

describe('the calls under way', () => {
  it('are counted, up to a limit, and found by their KEKs', () => {
    const calls = new CallsInFlight(3)
    const [one] = [callOf(calls, 'a'), callOf(calls, 'a')]
    expect([calls.count, calls.isFull]).toEqual([2, false])
    callOf(calls, 'b')
    expect([calls.count, calls.isFull, calls.kekIds()]).toEqual([3, true, ['a', 'b']])
    calls.delete(one)
    calls.delete(one)
    expect([calls.count, calls.isFull]).toEqual([2, false])
  })

  it('are cut with their KEK, each once, but for those that are to drain and those of other KEKs', () => {
    const calls = new CallsInFlight(10)
    const cut = [callOf(calls, 'a'), callOf(calls, 'a'), callOf(calls, 'a')]
    const [draining, other] = [callOf(calls, 'a', false), callOf(calls, 'b')]
    expect(calls.cutKek('a')).toBe(3)
    expect(cut.map((call) => call.ends)).toEqual([['revoked'], ['revoked'], ['revoked']])
    expect([draining.ends, other.ends, calls.count]).toEqual([[], [], 2])
    expect(calls.cutKek('a')).toBe(0)
  })

  it('never lose one another, in whatever order they end', () => {
    const calls = new CallsInFlight(1000)
    const all = Array.from({ length: 100 }, (_, index) => callOf(calls, String(index % 7)))
    const order = all.toSorted((a, b) => ((all.indexOf(a) * 37) % 100) - ((all.indexOf(b) * 37) % 100))
    for (const [index, call] of order.entries()) {
      calls.delete(call)
      expect(calls.count).toBe(99 - index)
    }
    expect(calls.kekIds()).toEqual([])
  })

  describe('when the node stops', () => {
    it('hold up nothing when there are none', async () => {
      expect(await new CallsInFlight(1).drain(60_000)).toBe(0)
    })

    it('are waited for until the last has ended', async () => {
      const calls = new CallsInFlight(10)
      const [one, two] = [callOf(calls, 'a'), callOf(calls, 'b')]
      const drained = calls.drain(60_000)
      calls.delete(one)
      calls.delete(two)
      expect(await drained).toBe(0)
      expect([one.ends, two.ends]).toEqual([[], []])
    })

    it('are cut when their time is over', async () => {
      const calls = new CallsInFlight(10)
      const [one, two] = [callOf(calls, 'a'), callOf(calls, 'a', false)]
      expect(await calls.drain(5)).toBe(2)
      expect([one.ends, two.ends, calls.count]).toEqual([['stopped'], ['stopped'], 0])
    })
  })
})
