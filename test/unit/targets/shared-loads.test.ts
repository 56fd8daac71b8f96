import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SharedLoads } from '#targets/shared-loads.ts'

/** Loads of a number that the test sets; each reads it when it begins, and ends when the test says so. */
function scene() {
  const kept: number[] = []
  const underWay: { end: () => void; fail: (error: Error) => void }[] = []
  const state = { present: 0, begun: 0, most: 0 }
  const loads = new SharedLoads<number>({
    load: () => {
      const { present } = state
      state.begun += 1
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const place = { end: () => leave(() => resolve(present)), fail: (e: Error) => leave(() => reject(e)) }
      const leave = (how: () => void) => {
        underWay.splice(underWay.indexOf(place), 1)
        how()
      }
      underWay.push(place)
      state.most = Math.max(state.most, underWay.length)
      return promise
    },
    onLoaded: (_, loaded) => void kept.push(loaded),
  })
  const change = () => {
    state.present += 1
    loads.overtake('org')
  }
  const endOne = async () => {
    underWay[0]?.end()
    await turn()
  }
  return { loads, state, kept, underWay, change, endOne }
}

describe('what many ask for at the same time', () => {
  it('is loaded once for all of them, and kept', async () => {
    const { loads, state, kept, endOne } = scene()
    const asked = Array.from({ length: 50 }, () => loads.ask('org'))
    await endOne()
    expect(await Promise.all(asked)).toEqual(asked.map(() => 0))
    expect(state.begun).toBe(1)
    expect(kept).toEqual([0])
  })

  it('is loaded for each id by itself', async () => {
    const { loads, state } = scene()
    void loads.ask('org')
    void loads.ask('other')
    expect(state.begun).toBe(2)
  })

  it('is loaded once more for all who ask after a change, when the load that began before it has ended', async () => {
    const { loads, state, kept, change, endOne } = scene()
    const before = loads.ask('org')
    change()
    const after = Array.from({ length: 50 }, () => loads.ask('org'))
    expect(state.begun).toBe(1)
    await endOne()
    expect(await before).toBe(0)
    expect(kept).toEqual([])
    await endOne()
    expect(await Promise.all(after)).toEqual(after.map(() => 1))
    expect(state.begun).toBe(2)
    expect(kept).toEqual([1])
  })

  it('is never older than the last change that was told of before the asking, and never loaded twice at a time', async () => {
    const step = fc.constantFrom('ask', 'change', 'end', 'fail')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { loads, state, underWay, change, endOne } = scene()
        const answers: Promise<boolean>[] = []
        for (const next of steps) {
          if (next === 'change') change()
          else if (next === 'end') await endOne()
          else if (next === 'fail') {
            underWay[0]?.fail(new Error('away'))
            await turn()
          } else {
            const { present } = state
            answers.push(
              loads.ask('org').then(
                (loaded) => loaded >= present,
                (error: Error) => error.message === 'away',
              ),
            )
          }
        }
        while (underWay.length > 0) await endOne()
        expect(await Promise.all(answers)).toEqual(answers.map(() => true))
        expect(state.most).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('a load that failed', () => {
  it('fails for all who waited for it, and is done again for those who asked after a change', async () => {
    const { loads, underWay, kept, change, endOne } = scene()
    const before = loads.ask('org')
    change()
    const after = loads.ask('org')
    underWay[0]?.fail(new Error('away'))
    await expect(before).rejects.toThrow('away')
    await turn()
    await endOne()
    expect(await after).toBe(1)
    expect(kept).toEqual([1])
  })

  it('is done again for the next who asks', async () => {
    const { loads, underWay, endOne } = scene()
    const failed = loads.ask('org')
    underWay[0]?.fail(new Error('away'))
    await expect(failed).rejects.toThrow('away')
    const again = loads.ask('org')
    await endOne()
    expect(await again).toBe(0)
  })
})

describe('loads that are abandoned', () => {
  it('are waited for by nobody who asks then, or asked after a change, and what they end with is not kept', async () => {
    const { loads, state, kept, underWay, change } = scene()
    void loads.ask('org')
    change()
    const waiting = loads.ask('org')
    loads.abandonAll()
    const asked = loads.ask('org')
    expect(state.begun).toBe(2)
    underWay[1]?.end()
    expect(await Promise.all([waiting, asked])).toEqual([1, 1])
    underWay[0]?.end()
    await turn()
    expect(kept).toEqual([1])
    expect(state.begun).toBe(2)
  })
})
