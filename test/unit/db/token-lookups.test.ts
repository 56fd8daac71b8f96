import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createOrganisation } from '#access/create-organisation.ts'
import { issueVirtualKey, revokeVirtualKey } from '#access/issue-virtual-key.ts'
import { readEpoch } from '#access/organisation-repository.ts'
import { VirtualKeyDirectory } from '#access/virtual-key-directory.ts'
import { findVirtualKeysByDigest } from '#access/virtual-key-repository.ts'
import { whereOf } from '#db/connection.ts'
import { openDatabase } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { TokenLookups } from '#db/token-lookups.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { mintToken } from '#integrity/token.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { untilWaiting } from '../../support/until-waiting.ts'

const ring = new SecretRing({ current: randomBytes(32) })

describe('tokens that nobody issued, many at once', () => {
  let database: TestDatabase
  let orgId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    orgId = (await createOrganisation(deps(), { name: 'o', actor: 'test' })).orgId
  })
  afterAll(() => database[Symbol.asyncDispose]())
  afterEach(() => vi.restoreAllMocks())

  const deps = () => ({ db: database.db, ring, now: () => new Date() })
  const newDirectory = () => new VirtualKeyDirectory({ ...deps(), onTampered: () => {} })
  const newLookups = (options: { strangersMax?: number; timeoutMs?: number } = {}) =>
    new TokenLookups({
      query: (digests) => findVirtualKeysByDigest(database.db.kysely, ring, digests),
      ...options,
    })
  const issue = () =>
    issueVirtualKey(deps(), {
      orgId,
      actor: 'test',
      name: 'agent',
      targetIds: [],
      models: [],
      expiresAt: null,
    })
  const strangers = (count: number) => Array.from({ length: count }, () => mintToken('hasp_vk').token)
  const digest = () => [randomBytes(32)]

  /** Keeps every reader out of the virtual keys until it is let go. */
  const blockReaders = async () => {
    const client = new Client(whereOf(database.connection))
    await client.connect()
    await client.query('BEGIN; LOCK TABLE virtual_keys IN ACCESS EXCLUSIVE MODE')
    return { release: () => client.end() }
  }
  const countWaiting = async () => {
    const { rows } = await database.db.pool.query(
      `SELECT count(*)::int AS count FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows[0].count as number
  }

  it('share a few queries, also with the agent among them, who is let in', async () => {
    const directory = newDirectory()
    const { token, virtualKey } = await issue()
    // oxlint-disable-next-line typescript/unbound-method -- called on its client by vitest
    const query = vi.spyOn(Client.prototype, 'query')
    const tokens = [...strangers(150), token, ...strangers(150), token]
    const outcomes = await Promise.all(tokens.map((one) => directory.authenticate(one)))
    const lookups = query.mock.calls.filter(([given]) => JSON.stringify(given).includes('virtual_keys'))
    expect(lookups.length).toBeGreaterThan(0)
    expect(lookups.length).toBeLessThanOrEqual(3)
    const granted = outcomes.filter(({ outcome }) => outcome === 'granted')
    expect(granted).toMatchObject([
      { grant: { virtualKey: { id: virtualKey.id } } },
      { grant: { virtualKey: { id: virtualKey.id } } },
    ])
    expect(outcomes.filter(({ outcome }) => outcome === 'unknown')).toHaveLength(300)
  })

  it('keep two connections busy at most', async () => {
    const directory = newDirectory()
    const block = await blockReaders()
    const waves: Promise<unknown>[] = []
    for (let wave = 0; wave < 5; wave += 1) {
      waves.push(...strangers(20).map((token) => directory.authenticate(token)))
      await sleep(20)
    }
    expect(await countWaiting()).toBe(2)
    await block.release()
    expect(new Set((await Promise.all(waves)).map((one) => JSON.stringify(one)))).toEqual(
      new Set(['{"outcome":"unknown"}']),
    )
  })

  it('are refused beyond a bound, while agents that this node has met are looked up all the same', async () => {
    const directory = newDirectory()
    const { token } = await issue()
    expect((await directory.authenticate(token)).outcome).toBe('granted')
    const block = await blockReaders()
    const flood: Promise<{ outcome: string }>[] = []
    for (let wave = 0; wave < 2; wave += 1) {
      flood.push(...strangers(256).map((one) => directory.authenticate(one)))
      await untilWaiting(database.db, wave + 1)
    }
    flood.push(...strangers(2_000).map((one) => directory.authenticate(one)))
    for (const one of strangers(3)) expect(await directory.authenticate(one)).toEqual({ outcome: 'busy' })
    expect(directory.grantInHand(token)).toBeDefined()
    const epoch = await readEpoch(database.db.kysely, orgId)
    const anew = directory.authenticate(token, { epoch, readAtMs: performance.now() })
    await block.release()
    expect((await anew).outcome).toBe('granted')
    expect(new Set((await Promise.all(flood)).map(({ outcome }) => outcome))).toEqual(new Set(['unknown']))
    expect((await newDirectory().authenticate(token)).outcome).toBe('granted')
    expect(await directory.authenticate(strangers(1)[0] ?? '')).toEqual({ outcome: 'unknown' })
  })

  it('have among them whoever was let in once, and is no more', async () => {
    const directory = newDirectory()
    const { token, virtualKey } = await issue()
    expect((await directory.authenticate(token)).outcome).toBe('granted')
    await revokeVirtualKey(deps(), { orgId, virtualKeyId: virtualKey.id, actor: 'test' })
    const epoch = await readEpoch(database.db.kysely, orgId)
    const view = { epoch, readAtMs: performance.now() }
    expect(await directory.authenticate(token, view)).toEqual({ outcome: 'revoked' })
    const block = await blockReaders()
    const flood: Promise<unknown>[] = []
    for (let wave = 0; wave < 2; wave += 1) {
      flood.push(directory.authenticate(strangers(1)[0] ?? ''))
      await untilWaiting(database.db, wave + 1)
    }
    flood.push(...strangers(2_000).map((one) => directory.authenticate(one)))
    // At once: whoever goes before the strangers waits until the database is given up.
    const answer = Promise.race([directory.authenticate(token), sleep(1_000, 'waits')])
    expect(await answer).toEqual({ outcome: 'busy' })
    await block.release()
    await Promise.all(flood)
    expect(await directory.authenticate(token)).toEqual({ outcome: 'revoked' })
  })

  it('count one by one, though they be the same token', async () => {
    const lookups = newLookups({ strangersMax: 10 })
    const same = digest()
    const found = await Promise.all(Array.from({ length: 12 }, () => lookups.find(same, false)))
    expect(found.filter((one) => one === 'busy')).toHaveLength(2)
    expect(await lookups.find(same, false)).toMatchObject({ found: undefined })
  })

  it('are given up where the database does not answer, and the next are asked for', async () => {
    const lookups = newLookups({ timeoutMs: 200 })
    const block = await blockReaders()
    const startedAtMs = performance.now()
    expect(await Promise.all([lookups.find(digest(), false), lookups.find(digest(), true)])).toEqual([
      'busy',
      'busy',
    ])
    expect(performance.now() - startedAtMs).toBeLessThan(2_000)
    await block.release()
    expect(await lookups.find(digest(), false)).toMatchObject({ found: undefined })
  })

  it('all fail when their query does, and keep no place', async () => {
    await using broken = openDatabase({
      connection: database.connection,
      poolMax: 1,
      applicationName: 'hasp:broken-lookups',
    })
    const query = (digests: Buffer[]) => findVirtualKeysByDigest(broken.kysely, ring, digests)
    const lookups = new TokenLookups({ query, strangersMax: 2 })
    const block = await blockReaders()
    const asked = [lookups.find(digest(), false), lookups.find(digest(), false)]
    const settled = Promise.allSettled(asked)
    await untilWaiting(database.db)
    await database.db.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hasp:broken-lookups'`,
    )
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await block.release()
    expect(await lookups.find(digest(), false)).toMatchObject({ found: undefined })
  })

  it('tell of the moment before the database was asked', async () => {
    const before = performance.now()
    const lookup = await newLookups().find(digest(), false)
    if (lookup === 'busy') throw new Error('Nothing else is looked up.')
    expect(lookup.readAtMs).toBeGreaterThanOrEqual(before)
    expect(lookup.readAtMs).toBeLessThan(performance.now())
  })

  it('are not spoilt by a row among them that is not ours', async () => {
    const directory = newDirectory()
    const [forged, genuine] = [await issue(), await issue()]
    await database.db.pool.query('UPDATE virtual_keys SET name = $2 WHERE id = $1', [
      forged.virtualKey.id,
      newId(),
    ])
    const outcomes = await Promise.all(
      [forged.token, genuine.token, ...strangers(1)].map((token) => directory.authenticate(token)),
    )
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['tampered', 'granted', 'unknown'])
  })
})
