import { describe, expect, it } from 'vitest'
import { isId, newId } from '#db/ids.ts'

describe('new ids', () => {
  it('are all different, and sort in the order they were made, however many in one millisecond', () => {
    const ids = Array.from({ length: 50_000 }, newId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.toSorted()).toEqual(ids)
  })

  it('are UUIDv7 of the present millisecond', () => {
    const before = Date.now()
    const id = newId()
    const madeAt = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    expect(isId(id)).toBe(true)
    // A millisecond earlier or later when many ids were asked for at once, or between two readings of the clock.
    expect(madeAt).toBeGreaterThanOrEqual(before - 1)
    expect(madeAt).toBeLessThanOrEqual(Date.now() + 1)
  })
})

describe('what is not an id of ours', () => {
  it.each([
    ['', 'empty'],
    ['0199c0de-0000-4000-8000-000000000000', 'another version'],
    ['0199C0DE-0000-7000-8000-000000000000', 'upper case'],
    ['{0199c0de-0000-7000-8000-000000000000}', 'in braces'],
    ['0199c0de-0000-7000-8000-00000000000', 'too short'],
    ['0199c0de-0000-7000-8000-000000000000\n', 'with a line feed'],
    ["' OR 1=1 --", 'SQL'],
  ])('%j is refused (%s)', (value) => {
    expect(isId(value)).toBe(false)
  })
})
