import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FreshTokenLookups } from '#db/fresh-token-lookups.ts'

type Stored = { name: string; isRevoked?: boolean }

/** Look-ups in a table that is here, of which the strangers' queue has room for four, and of tokens met for two. */
function newLookups() {
  const table = new Map<string, Stored | 'tampered'>()
  const asked: number[] = []
  let gate = Promise.resolve()
  const lookups = new FreshTokenLookups<Stored>({
    query: async (digests) => {
      asked.push(digests.length)
      await gate
      const found = digests.map((one) => [one.toString('base64'), table.get(one.toString('base64'))] as const)
      return new Map(found.flatMap(([place, row]) => (row === undefined ? [] : [[place, row]])))
    },
    isUsable: ({ isRevoked }) => isRevoked !== true,
    strangersMax: 4,
    metMax: 2,
  })
  return {
    lookups,
    asked,
    store: (row: Stored | 'tampered') => {
      const digest = randomBytes(32)
      table.set(digest.toString('base64'), row)
      return [digest]
    },
    /** Lets no query end; then fills both queries and the strangers' queue. */
    flood: async () => {
      const held = Promise.withResolvers<void>()
      gate = held.promise
      const waiting: Promise<unknown>[] = []
      for (const _ of [1, 2]) {
        waiting.push(lookups.find([randomBytes(32)]))
        await nextTurn()
        await nextTurn()
      }
      for (let count = 0; count < 4; count += 1) waiting.push(lookups.find([randomBytes(32)]))
      return async () => {
        held.resolve()
        return await Promise.all(waiting)
      }
    },
  }
}

describe('look-ups of tokens that are asked for each time they are used', () => {
  it('refuse strangers beyond a bound at once, and never a token that was met', async () => {
    const { flood, lookups, store } = newLookups()
    const [met, unmet] = [store({ name: 'met' }), store({ name: 'unmet' })]
    await lookups.find(met)
    const letGo = await flood()
    expect(await lookups.find([randomBytes(32)])).toBe('busy')
    expect(await lookups.find(unmet)).toBe('busy')
    const known = [lookups.find(met), lookups.find(met)]
    expect(await letGo()).toEqual(Array(6).fill(undefined))
    expect(await Promise.all(known)).toEqual([{ name: 'met' }, { name: 'met' }])
    expect(await lookups.find(unmet)).toEqual({ name: 'unmet' })
  })

  it('ask anew each time', async () => {
    const { asked, lookups, store } = newLookups()
    const row: Stored = { name: 'one' }
    const token = store(row)
    for (let round = 1; round <= 3; round += 1) {
      expect(await lookups.find(token)).toEqual(row)
      expect(asked).toHaveLength(round)
    }
    row.isRevoked = true
    expect(await lookups.find(token)).toBeUndefined()
  })

  it('take for a stranger whoever is let in no more', async () => {
    const { flood, lookups, store } = newLookups()
    const row: Stored = { name: 'former' }
    const token = store(row)
    await lookups.find(token)
    row.isRevoked = true
    await lookups.find(token)
    const letGo = await flood()
    expect(await lookups.find(token)).toBe('busy')
    await letGo()
  })

  it('remember no stranger, and no more tokens than they may', async () => {
    const { flood, lookups, store } = newLookups()
    const [longest, middle, last] = ['longest', 'middle', 'last'].map((name) => store({ name }))
    if (longest === undefined || middle === undefined || last === undefined) throw new Error('Three.')
    for (const token of [longest, middle, last]) await lookups.find(token)
    for (let count = 0; count < 50; count += 1) await lookups.find([randomBytes(32)])
    const letGo = await flood()
    expect(await lookups.find(longest)).toBe('busy')
    const known = [lookups.find(middle), lookups.find(last)]
    await letGo()
    expect(await Promise.all(known)).toEqual([{ name: 'middle' }, { name: 'last' }])
  })

  it('tell of a row that is not ours, and do not remember it', async () => {
    const { flood, lookups, store } = newLookups()
    const token = store('tampered')
    expect(await lookups.find(token)).toBe('tampered')
    const letGo = await flood()
    expect(await lookups.find(token)).toBe('busy')
    await letGo()
  })
})
