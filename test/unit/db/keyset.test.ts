import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { CursorError, decodeCursor, encodeCursor, pageOf } from '#db/keyset.ts'

const rows = Array.from({ length: 5 }, () => ({ id: newId() }))

describe('a page', () => {
  it('names the next one as long as there is one', () => {
    const page = pageOf(rows.slice(0, 3), 2)
    expect(page.items).toEqual(rows.slice(0, 2))
    expect(decodeCursor(page.nextCursor ?? '')).toBe(rows[1]?.id)
  })

  it.each([2, 1, 0])('of 2 that finds %i rows is the last one', (found) => {
    expect(pageOf(rows.slice(0, found), 2)).toEqual({ items: rows.slice(0, found), nextCursor: null })
  })
})

describe('a cursor', () => {
  it('leads back to the id it was made of', () => {
    const { id } = { id: newId() }
    expect(decodeCursor(encodeCursor(id))).toBe(id)
  })

  it('that we did not make is refused', () => {
    const good = encodeCursor(newId())
    for (const bad of [
      '',
      'x',
      `${good}=`,
      `${good}A`,
      ` ${good}`,
      good.slice(1),
      '../../etc/passwd',
      "' OR 1=1 --",
    ]) {
      expect(() => decodeCursor(bad)).toThrow(CursorError)
    }
    fc.assert(
      fc.property(fc.string(), (bad) => {
        expect(() => decodeCursor(bad)).toThrow(CursorError)
      }),
    )
  })
})
