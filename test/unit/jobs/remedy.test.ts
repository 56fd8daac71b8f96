import { describe, expect, it } from 'vitest'
import { remediesOf } from '#jobs/remedy.ts'

describe('what is to be done about a KEK', () => {
  const all = ['wrap', 'dek', 'credential'] as const

  it('is nothing where nothing is due', () => {
    expect(remediesOf({ due: [], isSpent: false, isEmpty: false })).toEqual([])
    expect(remediesOf({ due: [], isSpent: false, isEmpty: true })).toEqual([])
  })

  it('is the least that renews all that is due, and no rewrap where another job wraps anew', () => {
    expect(remediesOf({ due: ['wrap'], isSpent: false, isEmpty: false })).toEqual(['rewrap'])
    expect(remediesOf({ due: ['wrap', 'dek'], isSpent: false, isEmpty: false })).toEqual(['re-encrypt'])
    expect(remediesOf({ due: ['credential', 'wrap'], isSpent: false, isEmpty: false })).toEqual([
      'rewrap',
      'rotate',
    ])
    expect(remediesOf({ due: all, isSpent: false, isEmpty: false })).toEqual(['re-encrypt', 'rotate'])
  })

  it('has a KEK that has wrapped enough left first, or retired where nothing is under it', () => {
    expect(remediesOf({ due: ['wrap'], isSpent: true, isEmpty: false })).toEqual(['move'])
    expect(remediesOf({ due: all, isSpent: true, isEmpty: false })).toEqual(['move', 're-encrypt', 'rotate'])
    expect(remediesOf({ due: [], isSpent: true, isEmpty: true })).toEqual(['retire'])
  })
})
