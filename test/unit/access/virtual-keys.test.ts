import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOrganisation } from '#access/create-organisation.ts'
import { issueVirtualKey, revokeVirtualKey, updateVirtualKey } from '#access/issue-virtual-key.ts'
import { readEpoch } from '#access/organisation-repository.ts'
import { VirtualKeyDirectory } from '#access/virtual-key-directory.ts'
import { statusOf } from '#access/virtual-key.ts'
import { newId } from '#db/ids.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, mintToken } from '#integrity/token.ts'
import { readEntries } from '#ledger/read-entries.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

const root = randomBytes(32)
const ring = new SecretRing({ current: root })

describe('virtual keys', () => {
  let database: TestDatabase
  let orgId: string
  let now: Date
  let tampered: unknown[]
  let directory: VirtualKeyDirectory
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database[Symbol.asyncDispose]())
  beforeEach(async () => {
    now = new Date('2026-01-01T00:00:00Z')
    tampered = []
    orgId = (await createOrganisation(deps(), { name: newId(), actor: 'test' })).orgId
    directory = directoryOf(ring)
  })

  const deps = (of = ring) => ({ db: database.db, ring: of, now: () => now })
  const directoryOf = (of: SecretRing) =>
    new VirtualKeyDirectory({ ...deps(of), onTampered: (what) => tampered.push(what) })
  const issue = (fields: Partial<Parameters<typeof issueVirtualKey>[1]> = {}) =>
    issueVirtualKey(deps(), {
      orgId,
      actor: 'test',
      name: 'agent',
      targetIds: [],
      models: [],
      expiresAt: null,
      ...fields,
    })
  const epoch = () => readEpoch(database.db.kysely, orgId)
  const view = async () => ({ epoch: await epoch(), readAtMs: performance.now() })

  it('are issued with a token that is stored nowhere, in one transaction with their ledger entry', async () => {
    const before = await epoch()
    const { virtualKey, token } = await issue()
    expect(isWellFormedToken('hasp_vk', token)).toBe(true)
    const { rows } = await database.db.pool.query(
      'SELECT row_to_json(v)::text AS text FROM virtual_keys v WHERE id = $1',
      [virtualKey.id],
    )
    expect(rows[0].text).not.toContain(token.slice(12))
    expect(BigInt(await epoch())).toBe(BigInt(before) + 1n)
    const { items } = await readEntries(database.db.kysely, { orgId, virtualKeyId: virtualKey.id, limit: 10 })
    expect(items.map((entry) => entry.kind)).toEqual(['virtual-key.issued'])
    expect(JSON.stringify(items)).not.toContain(token)
  })

  it('are not issued for a target that is not there, and leave nothing behind', async () => {
    const before = await epoch()
    await expect(issue({ targetIds: [newId()] })).rejects.toMatchObject({
      code: 'virtual_key_target_unknown',
    })
    expect(await epoch()).toBe(before)
    const { items } = await readEntries(database.db.kysely, { orgId, kind: 'virtual-key.issued', limit: 10 })
    expect(items).toEqual([])
  })

  it('are found by their token alone, with their scope', async () => {
    const { virtualKey, token } = await issue({ models: ['gpt-5'] })
    const found = await directory.authenticate(token)
    expect(found).toMatchObject({
      outcome: 'granted',
      grant: { epoch: await epoch(), targetIds: 'all', virtualKey: { id: virtualKey.id, models: ['gpt-5'] } },
    })
    expect(await directory.authenticate(mintToken('hasp_vk').token)).toEqual({ outcome: 'unknown' })
    expect(await directory.authenticate(`${token}x`)).toEqual({ outcome: 'unknown' })
    expect(await directory.authenticate(mintToken('hasp_admin').token)).toEqual({ outcome: 'unknown' })
  })

  it('expire at their very moment', async () => {
    const { token } = await issue({ expiresAt: new Date(now.getTime() + 1_000) })
    now = new Date(now.getTime() + 999)
    expect(await directory.authenticate(token)).toMatchObject({ outcome: 'granted' })
    now = new Date(now.getTime() + 1)
    expect(await directory.authenticate(token)).toEqual({ outcome: 'expired' })
  })

  it('come back to life when their expiry is moved, on a node that has refused them', async () => {
    const { virtualKey, token } = await issue({ expiresAt: new Date(now.getTime() + 1_000) })
    now = new Date(now.getTime() + 2_000)
    expect(await directory.authenticate(token)).toEqual({ outcome: 'expired' })
    await updateVirtualKey(deps(), {
      orgId,
      actor: 'test',
      virtualKeyId: virtualKey.id,
      changes: { expiresAt: null },
    })
    expect(await directory.authenticate(token)).toMatchObject({ outcome: 'granted' })
  })

  it('are revoked for good, and again without harm; a former name of theirs says nothing', async () => {
    const { virtualKey, token } = await issue()
    const input = { orgId, actor: 'test', virtualKeyId: virtualKey.id }
    const { revokedAt } = await revokeVirtualKey(deps(), input)
    now = new Date(now.getTime() + 5_000)
    expect((await revokeVirtualKey(deps(), input)).revokedAt).toEqual(revokedAt)
    await updateVirtualKey(deps(), { ...input, changes: { name: 'again', expiresAt: null } })
    expect(await directory.authenticate(token)).toEqual({ outcome: 'revoked' })
  })

  it('are read anew for a view of another epoch, or one read after them: also where the epoch came twice', async () => {
    const { virtualKey, token } = await issue()
    const seen = await directory.authenticate(token)
    expect(await directory.authenticate(token)).toEqual(seen)
    const current = await epoch()
    await database.db.pool.query('UPDATE organisations SET epoch = epoch - 1 WHERE id = $1', [orgId])
    await revokeVirtualKey(deps(), { orgId, actor: 'test', virtualKeyId: virtualKey.id })
    expect(await epoch()).toBe(current)
    expect(await directory.authenticate(token), 'without a view, what is in hand').toMatchObject({
      outcome: 'granted',
    })
    expect(await directory.authenticate(token, await view())).toEqual({ outcome: 'revoked' })
  })

  it('are no other organisation’s to change', async () => {
    const { virtualKey } = await issue()
    const other = (await createOrganisation(deps(), { name: newId(), actor: 'test' })).orgId
    const input = { orgId: other, actor: 'test', virtualKeyId: virtualKey.id }
    await expect(revokeVirtualKey(deps(), input)).rejects.toMatchObject({ code: 'virtual_key_not_found' })
    await expect(updateVirtualKey(deps(), { ...input, changes: { name: 'x' } })).rejects.toMatchObject({
      code: 'virtual_key_not_found',
    })
  })

  it('are known under the previous root secret, and under no other', async () => {
    const { token } = await issue()
    const rotated = new SecretRing({ current: randomBytes(32), previous: root })
    expect(await directoryOf(rotated).authenticate(token)).toMatchObject({ outcome: 'granted' })
    expect(await directoryOf(new SecretRing({ current: randomBytes(32) })).authenticate(token)).toEqual({
      outcome: 'unknown',
    })
  })

  it('are refused, and somebody told, when their row is not ours', async () => {
    const { virtualKey, token } = await issue({ models: ['gpt-5'] })
    await database.db.pool.query("UPDATE virtual_keys SET models = '{}' WHERE id = $1", [virtualKey.id])
    expect(await directory.authenticate(token)).toEqual({ outcome: 'tampered' })
    expect(tampered).toEqual([{ table: 'virtual_keys' }])
  })

  it('have a status of which revoked comes first', () => {
    const past = new Date(0)
    expect(statusOf({ expiresAt: past, revokedAt: past }, now)).toBe('revoked')
    expect(statusOf({ expiresAt: past, revokedAt: null }, now)).toBe('expired')
    expect(statusOf({ expiresAt: null, revokedAt: null }, now)).toBe('active')
  })
})
