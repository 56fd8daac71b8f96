import { describe, expect, it } from 'vitest'
import type { ApiClient } from '#cli/api/client.ts'
import { findNamed, idOf } from '#cli/api/find-named.ts'

const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`
const item = (n: number, name: string) => ({
  id: id(n),
  name,
  status: 'active',
  hint: `hasp_vk_${n}`,
  createdAt: '2026-01-02T03:04:05Z',
})

function having(...items: (ReturnType<typeof item> & { revokedAt?: string; state?: string })[]) {
  const asked: string[] = []
  const get = async (path: string) => {
    asked.push(path)
    const read = items.find((one) => path.endsWith(one.id))
    return read ?? { items, nextCursor: null }
  }
  // The narrowest part of the client, answering from memory.
  return { asked, api: { get: get as ApiClient['get'] } }
}

describe('naming something', () => {
  it('takes its name', async () => {
    const { api } = having(item(1, 'a'), item(2, 'b'))
    expect(await findNamed(api, 'vkey', 'b')).toMatchObject({ id: id(2) })
  })

  it('takes its id, and reads nothing else', async () => {
    const { api, asked } = having(item(1, 'a'), item(2, 'b'))
    expect(await findNamed(api, 'vkey', id(2))).toMatchObject({ name: 'b' })
    expect(asked).toEqual([`/virtual-keys/${id(2)}`])
  })

  it('refuses a name that several have, with the ids to choose from', async () => {
    const { api } = having(item(1, 'a'), item(2, 'a'))
    await expect(findNamed(api, 'vkey', 'a')).rejects.toMatchObject({
      code: 'name_ambiguous',
      hint: expect.stringMatching(new RegExp(`${id(1)}[^]*${id(2)}`)),
    })
  })

  it('leaves the name of what was retired or revoked to what is in use', async () => {
    const old = { ...item(1, 'a'), revokedAt: '2026-01-03T00:00:00Z', state: 'deactivated' }
    const { api } = having(old, item(2, 'a'))
    expect(await findNamed(api, 'vkey', 'a')).toMatchObject({ id: id(2) })
    expect(await findNamed(having(old).api, 'vkey', 'a')).toMatchObject({ id: id(1) })
    const { state, ...revoked } = old
    expect(await findNamed(having(revoked, item(2, 'a')).api, 'token', 'a')).toMatchObject({ id: id(2) })
    const { revokedAt, ...retired } = old
    expect([state, revokedAt]).not.toContain(null)
    expect(await findNamed(having(retired, item(2, 'a')).api, 'kek', 'a')).toMatchObject({ id: id(2) })
  })

  it('refuses a part of a name, and tells what there is', async () => {
    const { api } = having(item(1, 'alpha'))
    await expect(findNamed(api, 'vkey', 'alp')).rejects.toMatchObject({
      code: 'name_unknown',
      hint: "You have: alpha ('hasp vkey list').",
    })
  })

  it('finds admin tokens by id, too, which have no page of their own', async () => {
    const { api, asked } = having(item(1, 'a'))
    await findNamed(api, 'token', id(1))
    expect(asked).toEqual(['/admin-tokens'])
  })

  it('takes an id for a filter as it is: what it names may be gone', async () => {
    const { api, asked } = having()
    expect(await idOf(api, 'target', id(9))).toBe(id(9))
    expect(asked).toEqual([])
  })
})
