import { describe, expect, it } from 'vitest'
import { OrganisationShares } from '#proxy/organisation-shares.ts'

const room = { callsMax: 8, inFlightBytesMax: 1000, bodyBytesMax: 100 }

describe('the share of one organisation', () => {
  it('is full at its part of the calls, whatever others have, and free again when one ends', () => {
    const shares = new OrganisationShares({ ...room, sharePercent: 50 })
    const seats = [1, 2, 3, 4].map(() => shares.enter('greedy'))
    expect(() => shares.enter('greedy')).toThrow(expect.objectContaining({ code: 'organisation_busy' }))
    const other = shares.enter('other')
    expect(other.share.calls).toBe(1)
    seats[0]?.[Symbol.dispose]()
    expect(shares.enter('greedy').share.calls).toBe(4)
  })

  it('is full at its part of the bytes', () => {
    const { share } = new OrganisationShares({ ...room, sharePercent: 50 }).enter('org')
    share.bodyBytes = 400
    expect([share.hasRoomFor(100), share.hasRoomFor(101)]).toEqual([true, false])
  })

  it('has room for one call and one body of any size that is taken, however small it is', () => {
    const shares = new OrganisationShares({ ...room, sharePercent: 1 })
    const { share } = shares.enter('org')
    expect([share.hasRoomFor(100), share.hasRoomFor(101)]).toEqual([true, false])
    expect(() => shares.enter('org')).toThrow(/share of this Hasp/)
  })

  it('has no bound at 100 percent but what bounds all', () => {
    const shares = new OrganisationShares({ ...room, sharePercent: 100 })
    const seats = Array.from({ length: 100 }, () => shares.enter('org'))
    expect(seats.at(-1)?.share.hasRoomFor(1e12)).toBe(true)
  })
})
