import { describe, expect, it } from 'vitest'
import { parseChangeNotice } from '#ledger/record-change.ts'

const notice = {
  orgId: 'org',
  epoch: '7',
  kind: 'target.deleted',
  kekId: 'kek',
  targetId: 'target',
  virtualKeyId: null,
}

describe('a notice of a change', () => {
  it('is read as it was written', () => {
    expect(parseChangeNotice(JSON.stringify(notice))).toEqual(notice)
  })

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['null', 'null'],
    ['without what it touches', JSON.stringify({ ...notice, targetId: undefined })],
    ['with an epoch that is no number', JSON.stringify({ ...notice, epoch: 'later' })],
    ['with an epoch that is no text', JSON.stringify({ ...notice, epoch: 7 })],
    ['with a kind that is no text', JSON.stringify({ ...notice, kind: 5 })],
    ['with an organisation that is no text', JSON.stringify({ ...notice, orgId: null })],
    ['with a KEK that is no id', JSON.stringify({ ...notice, kekId: {} })],
    ['with an epoch beyond any', JSON.stringify({ ...notice, epoch: '9'.repeat(20) })],
  ])('is nobody’s when it is %s', (_, payload) => {
    expect(parseChangeNotice(payload)).toBeNull()
  })
})
