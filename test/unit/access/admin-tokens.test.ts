import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AdminTokenDirectory } from '#access/admin-token-directory.ts'
import { createFirstOrganisation, createOrganisation } from '#access/create-organisation.ts'
import { issueAdminToken, revokeAdminToken } from '#access/issue-admin-token.ts'
import { newId } from '#db/ids.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { mintToken } from '#integrity/token.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

const ring = new SecretRing({ current: randomBytes(32) })

describe('admin tokens', () => {
  let database: TestDatabase
  let now: Date
  let org: Awaited<ReturnType<typeof createOrganisation>>
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database[Symbol.asyncDispose]())
  beforeEach(async () => {
    now = new Date('2026-01-01T00:00:00Z')
    org = await createOrganisation(deps(), { name: newId(), actor: 'test' })
  })

  const deps = () => ({ db: database.db, ring, now: () => now })
  const issue = (expiresAt: Date | null = null) =>
    issueAdminToken(deps(), { orgId: org.orgId, actor: 'test', name: 'second', expiresAt })
  const authenticate = (token: string | undefined) => new AdminTokenDirectory(deps()).authenticate(token)
  const idOf = async (token: string) => (await authenticate(`Bearer ${token}`)).tokenId
  const revoke = (adminTokenId: string, orgId = org.orgId) =>
    revokeAdminToken(deps(), { orgId, actor: 'test', adminTokenId })

  it('tell whose they are', async () => {
    expect(await authenticate(`Bearer ${org.token}`)).toMatchObject({ orgId: org.orgId, tokenName: 'first' })
    expect(await authenticate(`bearer ${org.token}`)).toMatchObject({ orgId: org.orgId })
  })

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic aGFzcDpoYXNw',
    `Bearer ${mintToken('hasp_admin').token}`,
    `Bearer ${mintToken('hasp_vk').token}`,
    'Bearer a b',
    'Bearer \u00e9',
  ])('are the only way in: not %j', async (authorization) => {
    await expect(authenticate(authorization)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('say the same of unknown, expired and revoked', async () => {
    const expired = await issue(new Date(now.getTime() + 1_000))
    const revoked = await issue()
    await revoke(revoked.adminToken.id)
    now = new Date(now.getTime() + 1_000)
    const answers = await Promise.all(
      [mintToken('hasp_admin').token, expired.token, revoked.token].map((token) =>
        authenticate(`Bearer ${token}`).catch((error: unknown) => String(error)),
      ),
    )
    expect(new Set(answers).size).toBe(1)
  })

  it('that are revoked or run out open nothing any more on any node, however often each has met them', async () => {
    const nodes = [new AdminTokenDirectory(deps()), new AdminTokenDirectory(deps())]
    const [revoked, expiring] = [await issue(), await issue(new Date(now.getTime() + 1_000))]
    const ask = () =>
      Promise.allSettled(
        nodes.flatMap((node) => [revoked, expiring].map(({ token }) => node.authenticate(`Bearer ${token}`))),
      )
    for (let round = 0; round < 3; round += 1)
      expect((await ask()).map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'))
    await revoke(revoked.adminToken.id)
    now = new Date(now.getTime() + 1_000)
    for (const outcome of await ask()) expect(outcome).toMatchObject({ reason: { code: 'unauthenticated' } })
  })

  it('can all be revoked but the last usable one, also by two callers at once', async () => {
    const first = await idOf(org.token)
    await expect(revoke(first)).rejects.toMatchObject({ code: 'admin_token_last' })
    await issue(new Date(now.getTime() + 1_000))
    now = new Date(now.getTime() + 2_000)
    await expect(revoke(first), 'an expired one opens no door').rejects.toMatchObject({
      code: 'admin_token_last',
    })
    const second = (await issue()).adminToken.id
    const outcomes = await Promise.allSettled([revoke(first), revoke(second)])
    expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  it('are no other organisation’s to revoke', async () => {
    const other = await createOrganisation(deps(), { name: newId(), actor: 'test' })
    await expect(revoke(await idOf(org.token), other.orgId)).rejects.toMatchObject({
      code: 'admin_token_not_found',
    })
  })

  it('are refused when their row is not ours', async () => {
    await database.db.pool.query("UPDATE admin_tokens SET expires_at = 'infinity' WHERE org_id = $1", [
      org.orgId,
    ])
    await expect(authenticate(`Bearer ${org.token}`)).rejects.toMatchObject({ code: 'row_tampered' })
  })

  it('come with an organisation whose name is its own, or not at all', async () => {
    await expect(createOrganisation(deps(), { name: org.name, actor: 'test' })).rejects.toMatchObject({
      code: 'organisation_name_taken',
    })
    expect(await createFirstOrganisation(deps())).toBeNull()
  })
})

describe('the first start on an empty database', () => {
  it('makes one organisation, whichever of several nodes comes first', async () => {
    await using database = await createTestDatabase()
    const deps = { db: database.db, ring, now: () => new Date() }
    const made = await Promise.all(Array.from({ length: 4 }, () => createFirstOrganisation(deps)))
    expect(made.filter((organisation) => organisation !== null)).toHaveLength(1)
    const { rows } = await database.db.pool.query('SELECT name FROM organisations')
    expect(rows).toEqual([{ name: 'default' }])
  })
})
