import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

describe('walking through the pages of a list', () => {
  let hasp: RunningHasp
  beforeAll(async () => {
    hasp = await startHasp()
    for (let i = 0; i < 25; i += 1)
      await hasp.api('POST', '/virtual-keys', { name: `key ${i}`, targetIds: 'all' })
  })
  afterAll(() => hasp[Symbol.asyncDispose]())

  const walk = async (
    path: string,
    between: () => Promise<unknown> = async () => {},
  ): Promise<AnyJson[][]> => {
    const pages: AnyJson[][] = []
    let cursor: string | null = null
    do {
      const { body } = await hasp.api('GET', `${path}limit=7${cursor === null ? '' : `&cursor=${cursor}`}`)
      pages.push(body.items)
      cursor = body.nextCursor
      await between()
    } while (cursor !== null && pages.length < 50)
    return pages
  }

  it('sees every row once, in the order in which they were made', async () => {
    const pages = await walk('/virtual-keys?')
    expect(pages.map((page) => page.length)).toEqual([7, 7, 7, 4])
    expect(pages.flat().map((item) => item.name)).toEqual(Array.from({ length: 25 }, (_, i) => `key ${i}`))
  })

  it('has no empty last page where the rows fill their pages', async () => {
    const { body } = await hasp.api('GET', '/virtual-keys?limit=25')
    expect([body.items.length, body.nextCursor]).toEqual([25, null])
  })

  it('misses and repeats none that was there, while others are made and revoked', async () => {
    const before = (await walk('/virtual-keys?')).flat().map((item) => item.id)
    const ids = (
      await walk('/virtual-keys?', async () => {
        const { body } = await hasp.api('POST', '/virtual-keys', { name: 'meanwhile', targetIds: 'all' })
        await hasp.api('POST', `/virtual-keys/${body.id}/revoke`)
      })
    )
      .flat()
      .map((item) => item.id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.slice(0, before.length)).toEqual(before)
  })

  it('goes through the ledger backwards, and sees nothing that is written meanwhile', async () => {
    const before = (await walk('/ledger?')).flat().map((item) => item.entryId)
    const ids = (
      await walk('/ledger?', () => hasp.api('POST', '/virtual-keys', { name: 'meanwhile', targetIds: 'all' }))
    )
      .flat()
      .map((item) => item.entryId)
    expect(ids).toEqual(before)
    expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? 1 : -1)))
  })

  it('goes on behind a row that was erased since', async () => {
    const { body: kek } = await hasp.api('POST', '/keks', { name: 'k', provider: 'local' })
    await hasp.api('POST', `/keks/${kek.id}/verify`)
    for (const name of ['a', 'b', 'c'])
      await hasp.api('POST', '/api-targets', {
        name,
        provider: 'openai',
        kekId: kek.id,
        credential: 'sk-0123456789',
        validate: false,
      })
    const { body: first } = await hasp.api('GET', '/api-targets?limit=1')
    await hasp.api('DELETE', `/api-targets/${first.items[0].id}`)
    const { body: rest } = await hasp.api('GET', `/api-targets?limit=5&cursor=${first.nextCursor}`)
    expect(rest.items.map((item: AnyJson) => item.name)).toEqual(['b', 'c'])
  })
})
