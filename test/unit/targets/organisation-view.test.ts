import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OrganisationViews } from '#targets/organisation-view.ts'

/** None of these asks the database. */
function hearingViews(): OrganisationViews {
  return new OrganisationViews({} as ConstructorParameters<typeof OrganisationViews>[0])
}

describe('what was decided under an epoch', () => {
  it('is overtaken by every later epoch that was heard of, and by no other, in whatever order they came', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(1n, 2n ** 63n - 1n)), fc.bigInt(1n, 2n ** 63n - 1n), (heard, epoch) => {
        const views = hearingViews()
        for (const each of heard) views.hear('org', String(each))
        views.hear('other', String(2n ** 63n - 1n))
        expect(views.isOvertaken('org', String(epoch))).toBe(heard.some((each) => each > epoch))
      }),
    )
  })
})
